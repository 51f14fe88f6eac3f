import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encryptTo } from '../../../protocol/index.ts'
import { SessionPeer, textFrame, textOf } from '../../support/session-peers.ts'

interface Sealed {
  readonly text: string
  readonly sid: Uint8Array
  readonly inner: Uint8Array
}

/** Two devices and the wire between them; every step comes from a list of dice. */
class Walk {
  readonly peers: readonly [SessionPeer, SessionPeer]
  readonly wires: readonly [Sealed[], Sealed[]] = [[], []]
  readonly opened = new Map<string, number>()
  readonly delivered = new Set<string>()
  resets = 0
  steps = 0

  constructor(seed: string) {
    this.peers = [new SessionPeer(`alice ${seed}`), new SessionPeer(`bob ${seed}`)]
  }

  send(from: 0 | 1, crashes: boolean): void {
    const sender = this.peers[from]
    const receiver = this.peers[from === 0 ? 1 : 0]
    const text = `${from} ${this.steps}`
    if (crashes) {
      const frames = textFrame(text)
      sender.driver.crash((turn) => encryptTo(turn, receiver.self.device, frames))
    } else {
      const { sid, inner } = sender.send(receiver, text)
      this.wires[from].push({ text, sid, inner })
    }
  }

  reset(from: 0 | 1): void {
    // Five at most, so that no session is evicted: that loses messages, and is tested elsewhere.
    if (this.resets++ < 3) this.peers[from].start(this.peers[from === 0 ? 1 : 0].bundle())
  }

  deliver(
    from: 0 | 1,
    index: number,
    how: { readonly keep: boolean; readonly crash: boolean },
  ): void {
    const wire = this.wires[from]
    const message = wire[index % Math.max(1, wire.length)]
    if (message === undefined) return
    const receiver = this.peers[from === 0 ? 1 : 0]
    if (how.crash) {
      receiver.openAndCrash(message)
      return
    }
    if (!how.keep) wire.splice(wire.indexOf(message), 1)
    const outcome = textOf(receiver.open(message))
    const { text } = message
    if (outcome === text) this.opened.set(text, (this.opened.get(text) ?? 0) + 1)
    else {
      // The header key of a complete chain is gone, so a repetition may not even be recognised:
      // that is what inner ids are for, one floor up.
      expect(['duplicate', 'unreadable'], text).toContain(outcome)
      expect(this.delivered.has(text), text).toBe(true)
    }
    this.delivered.add(text)
  }

  step(action: number, from: 0 | 1, index: number): void {
    this.steps++
    if (action < 38) this.send(from, action < 4)
    else if (action < 42) this.reset(from)
    else if (action < 50) this.wires[from].splice(index % Math.max(1, this.wires[from].length), 1)
    else this.deliver(from, index, { keep: action >= 85, crash: action < 55 })
  }
}

describe('random interleavings of two devices', () => {
  it('every delivered message opens exactly once: loss, repetition, disorder, crossing, crashes', () => {
    const die = fc.tuple(fc.nat({ max: 99 }), fc.constantFrom(0 as const, 1 as const), fc.nat(50))
    fc.assert(
      fc.property(fc.array(die, { minLength: 30, maxLength: 60 }), (dice) => {
        const walk = new Walk('walk')
        for (const [action, from, index] of dice) walk.step(action, from, index)
        // What is still on the way arrives in the end.
        for (const from of [0, 1] as const) {
          while (walk.wires[from].length > 0) walk.deliver(from, 0, { keep: false, crash: false })
        }
        for (const text of walk.delivered) expect(walk.opened.get(text), text).toBe(1)
        // And both still hear each other.
        for (const from of [0, 1] as const) {
          walk.steps++
          walk.send(from, false)
          walk.deliver(from, 0, { keep: false, crash: false })
        }
        expect([...walk.opened.values()].every((count) => count === 1)).toBe(true)
      }),
      { numRuns: 12, seed: 20_251_124, endOnFailure: true },
    )
  })
})
