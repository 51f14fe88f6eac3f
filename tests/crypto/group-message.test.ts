// Group messages and sender chains (SPEC.md §20.3, §20.4), without machines.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type GroupChain,
  type GroupMessage,
  type GroupOpening,
  GROUP_CHAIN_MAX_MESSAGES,
  GROUP_FRAMES_MAX_BYTES,
  LADDER,
  decodeGroupMessage,
  encodeGroupHeader,
  encodeText,
  encryptGroupMessage,
  groupMessageSize,
  noble,
  openGroupHeader,
  openGroupMessage,
  startChain,
  toHex,
} from '../../crypto/index.ts'
import { nativeCrypto } from '../../node/native-crypto.ts'
import { refusal } from './decoder-checks.ts'
import { seededRandom } from '../support/seeded-random.ts'

const keys = seededRandom('group message keys')
const headerKey = keys(32)
const tag = keys(8)
const chainKey = keys(32)

class Sender {
  chain: GroupChain = startChain(chainKey)
  readonly devIdx = 3
  readonly #random = seededRandom('sender')

  send(text: string): Uint8Array {
    const sender = { headerKey, epochTag: tag, devIdx: this.devIdx, chain: this.chain }
    const { message, next } = encryptGroupMessage(noble, sender, encodeText(text), this.#random)
    this.chain = next
    return message
  }
}

/** A receiver of one chain, who commits everything that opens. */
class Receiver {
  chain: GroupChain = startChain(chainKey)
  readonly seeds = new Map<number, Uint8Array>()
  room = 20_000

  try(bytes: Uint8Array): GroupOpening | { kind: 'unreadable' } {
    const message: GroupMessage = decodeGroupMessage(bytes)
    const header = openGroupHeader(noble, headerKey, message)
    if (header === undefined) return { kind: 'unreadable' }
    return openGroupMessage(noble, message, {
      header,
      chain: this.chain,
      skippedSeed: this.seeds.get(header.ctr),
      skippedRoom: this.room - this.seeds.size,
    })
  }

  receive(bytes: Uint8Array): string {
    const opening = this.try(bytes)
    if (opening.kind !== 'candidate') return opening.kind
    this.chain = opening.next
    for (const { ctr, seed } of opening.newSkipped) this.seeds.set(ctr, seed)
    if (opening.usedSkipped !== undefined) this.seeds.delete(opening.usedSkipped)
    return String.fromCharCode(...opening.frames)
  }
}

describe('a group message', () => {
  it('is a size of the ladder as a whole: 61 bytes and one of padding beyond its frames', () => {
    for (const size of LADDER) {
      expect(groupMessageSize(size - 62)).toBe(size)
      if (size < 65_536) expect(groupMessageSize(size - 61)).toBe(2 * size)
    }
    expect(GROUP_FRAMES_MAX_BYTES).toBe(65_474)
    expect(refusal(() => groupMessageSize(65_475))).toBe('ERR_PROTOCOL_LIMIT')
    const sent = [0, 450, 451].map((length) => new Sender().send('x'.repeat(length)).length)
    expect(sent).toEqual([512, 512, 1024])
  })

  it('opens in order, and shows neither sender nor counter outside', () => {
    const [sender, receiver] = [new Sender(), new Receiver()]
    const one = sender.send('one')
    const two = sender.send('two')
    expect(toHex(one.subarray(0, 9))).toBe(`21${toHex(tag)}`)
    expect(toHex(one.subarray(9))).not.toContain(
      toHex(encodeGroupHeader({ devIdx: 3, ctr: 0, flags: 0 })),
    )
    expect([receiver.receive(one), receiver.receive(two)]).toEqual(['one', 'two'])
  })

  it('opens once', () => {
    const [sender, receiver] = [new Sender(), new Receiver()]
    const message = sender.send('once')
    expect([receiver.receive(message), receiver.receive(message)]).toEqual(['once', 'stale'])
  })

  it('gives a candidate: nothing has moved until it is stored', () => {
    const [sender, receiver] = [new Sender(), new Receiver()]
    sender.send('lost')
    const message = sender.send('second')
    const before = toHex(receiver.chain.chainKey ?? new Uint8Array(0))
    for (let i = 0; i < 3; i++) expect(receiver.try(message).kind).toBe('candidate')
    expect(toHex(receiver.chain.chainKey ?? new Uint8Array(0))).toBe(before)
    expect(receiver.chain.count).toBe(0)
  })

  it('is refused whichever byte is touched', () => {
    const [sender, receiver] = [new Sender(), new Receiver()]
    const message = sender.send('whole')
    for (let at = 0; at < message.length; at++) {
      const bent = message.slice()
      bent[at] = (bent[at] ?? 0) ^ 0x20
      const code = refusal(() => {
        expect(['unreadable', 'unauthentic']).toContain(receiver.receive(bent))
      })
      expect(code).toBe(at === 0 ? 'ERR_WIRE_MALFORMED' : undefined)
    }
    expect(receiver.receive(message)).toBe('whole')
  })

  it('of a size off the ladder is malformed', () => {
    const message = new Sender().send('cut')
    for (const length of [0, 1, 45, 61, 511, 513]) {
      const other = new Uint8Array(length)
      other.set(message.subarray(0, length))
      expect(refusal(() => decodeGroupMessage(other))).toBe('ERR_WIRE_MALFORMED')
    }
  })

  it('with a critical flag that is not known is unsupported', () => {
    const receiver = new Receiver()
    const message = decodeGroupMessage(new Sender().send('flag'))
    const view = { chain: receiver.chain, skippedSeed: undefined, skippedRoom: 9 }
    const header = { devIdx: 3, ctr: 0, flags: 0x100 }
    expect(openGroupMessage(noble, message, { ...view, header }).kind).toBe('unsupported')
    const ignored = { ...header, flags: 0xff }
    expect(openGroupMessage(noble, message, { ...view, header: ignored }).kind).toBe('candidate')
  })

  it('repeats a nonce only with the same content, though random bytes repeat', () => {
    const sender = { headerKey, epochTag: tag, devIdx: 1, chain: startChain(chainKey) }
    const again = (text: string) =>
      encryptGroupMessage(noble, sender, encodeText(text), (n) => new Uint8Array(n)).message
    expect(toHex(again('same'))).toBe(toHex(again('same')))
    expect(toHex(again('one').subarray(9, 21))).not.toBe(toHex(again('two').subarray(9, 21)))
  })
})

describe('a sender chain', () => {
  it('ends after 1 000 messages, and keeps no key then', () => {
    let chain: GroupChain = { chainKey, count: 999, outstanding: 0 }
    const random = seededRandom('last')
    const sender = { headerKey, epochTag: tag, devIdx: 0 }
    chain = encryptGroupMessage(noble, { ...sender, chain }, encodeText('x'), random).next
    expect(chain).toEqual({ chainKey: undefined, count: 1000, outstanding: 0 })
    expect(
      refusal(() => encryptGroupMessage(noble, { ...sender, chain }, encodeText('y'), random)),
    ).toBe('ERR_PROTOCOL_LIMIT')
  })

  it('opens its last message after all others were lost: an honest jump never exceeds the bound', () => {
    const [sender, receiver] = [new Sender(), new Receiver()]
    let last = new Uint8Array(0)
    for (let i = 0; i < GROUP_CHAIN_MAX_MESSAGES; i++) last = new Uint8Array(sender.send(`${i}`))
    expect(receiver.receive(last)).toBe('999')
    expect(receiver.seeds.size).toBe(999)
    expect(receiver.chain.chainKey).toBeUndefined()
  })

  it('is held where the group has no room for what it would skip, and opens when it has', () => {
    const [sender, receiver] = [new Sender(), new Receiver()]
    for (let i = 0; i < 5; i++) sender.send('lost')
    const message = sender.send('five skipped')
    receiver.room = 4
    expect(receiver.receive(message)).toBe('held')
    expect(receiver.seeds.size).toBe(0)
    receiver.room = 5
    expect(receiver.receive(message)).toBe('five skipped')
  })

  it('never reaches a counter of 1 000: malformed', () => {
    const message = decodeGroupMessage(new Sender().send('far'))
    const header = { devIdx: 3, ctr: 1_000, flags: 0 }
    const view = { chain: startChain(chainKey), skippedSeed: undefined, skippedRoom: 20_000 }
    expect(refusal(() => openGroupMessage(noble, message, { ...view, header }))).toBe(
      'ERR_WIRE_MALFORMED',
    )
  })

  it('opens every message exactly once, in any order, with any lost and repeated', () => {
    const sender = new Sender()
    const sent = Array.from({ length: 40 }, (_, i) => sender.send(`${i}`))
    const arrivals = fc.array(fc.nat(sent.length - 1), { maxLength: 120 })
    fc.assert(
      fc.property(arrivals, (order) => {
        const receiver = new Receiver()
        const got: string[] = []
        for (const i of order) {
          const text = receiver.receive(sent[i] ?? new Uint8Array(0))
          if (text !== 'stale') got.push(text)
        }
        expect(got.toSorted()).toEqual([...new Set(order.map(String))].toSorted())
        expect(receiver.chain.outstanding).toBe(receiver.seeds.size)
        expect(receiver.chain.count).toBe(Math.max(-1, ...order) + 1)
        expect(receiver.seeds.size).toBe(receiver.chain.count - got.length)
      }),
      { numRuns: 60 },
    )
  })

  it('gives the same bytes and states from node:crypto', () => {
    for (const frames of ['', 'short', 'x'.repeat(3_000)]) {
      const [a, b] = [noble, nativeCrypto].map((provider) =>
        encryptGroupMessage(
          provider,
          { headerKey, epochTag: tag, devIdx: 9, chain: startChain(chainKey) },
          encodeText(frames),
          seededRandom(frames),
        ),
      )
      expect(b).toEqual(a)
      const message = decodeGroupMessage(a?.message ?? new Uint8Array(0))
      const header = openGroupHeader(nativeCrypto, headerKey, message)
      expect(header).toEqual({ devIdx: 9, ctr: 0, flags: 0 })
      const view = {
        header: header ?? { devIdx: 0, ctr: 0, flags: 0 },
        chain: startChain(chainKey),
        skippedSeed: undefined,
        skippedRoom: 0,
      }
      expect(openGroupMessage(nativeCrypto, message, view)).toEqual(
        openGroupMessage(noble, message, view),
      )
    }
  })
})
