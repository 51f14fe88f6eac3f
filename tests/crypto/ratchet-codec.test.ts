import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  concat,
  decodeRatchetHeader,
  decodeRatchetMessage,
  decodeRatchetState,
  encodeRatchetHeader,
  encodeRatchetState,
  toHex,
} from '../../crypto/index.ts'
import { codeOf, makePair, makeTalkingPair } from '../support/ratchet-peers.ts'

describe('ratchet codecs', () => {
  it('a state survives its bytes in every phase, and no truncation or addition decodes', () => {
    const pair = makePair('codec')
    const { alice, bob, init } = pair
    const states = [alice.state, bob.state]
    bob.receive(alice.send('x', init.length))
    alice.send('late')
    bob.receive(alice.send('x', init.length))
    states.push(bob.state)
    alice.receive(bob.send('x'))
    bob.receive(alice.send('x'))
    states.push(alice.state, bob.state, {
      ...alice.state,
      pq: { kind: 'offering', seed: new Uint8Array(64).fill(1) },
    })
    for (const state of states) {
      const bytes = encodeRatchetState(state)
      expect(decodeRatchetState(bytes)).toEqual(state)
      for (let length = 0; length < bytes.length; length++) {
        expect(codeOf(() => decodeRatchetState(bytes.subarray(0, length)))).toBe(
          'ERR_WIRE_MALFORMED',
        )
      }
      expect(codeOf(() => decodeRatchetState(concat(bytes, Uint8Array.of(0))))).toBe(
        'ERR_WIRE_MALFORMED',
      )
    }
    expect(encodeRatchetState(alice.state).length).toBeLessThan(600)
  })

  it('bytes from anywhere decode or are malformed, nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 700 }), (bytes) => {
        for (const decode of [decodeRatchetState, decodeRatchetMessage, decodeRatchetHeader]) {
          const code = codeOf(() => decode(bytes))
          expect(['nothing thrown', 'ERR_WIRE_MALFORMED']).toContain(code)
        }
      }),
    )
  })

  it('a header is 44 bytes in the stated order', () => {
    const header = { dh: new Uint8Array(32).fill(9), previousCount: 1, n: 2, pqEpoch: 3, flags: 4 }
    const bytes = encodeRatchetHeader(header)
    expect(toHex(bytes.subarray(32))).toBe('000000010000000200030004')
    expect(decodeRatchetHeader(bytes)).toEqual(header)
  })
})

describe('random interleavings of the ratchet', () => {
  it('every delivered message opens exactly once, whatever is lost, repeated or reordered', () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat({ max: 99 })), fc.nat(), (stream, seed) => {
        const next = (): number => stream.next().value ?? 0
        const { alice, bob } = makeTalkingPair(`walk ${seed % 4}`)
        alice.offerPq = bob.offerPq = true
        const wires = { toBob: [] as [string, Uint8Array][], toAlice: [] as [string, Uint8Array][] }
        const seen = new Map<string, number>()
        const delivered = new Set<string>()
        for (let step = 0; step < 60; step++) {
          const die = next()
          const [sender, receiver, wire] =
            next() % 2 === 0
              ? ([alice, bob, wires.toBob] as const)
              : ([bob, alice, wires.toAlice] as const)
          if (die < 45) {
            const text = `${wire === wires.toBob ? 'a' : 'b'}${step}`
            const before = sender.state
            const message = sender.send(text)
            // A crash before the commit: the message never left.
            if (die < 4) sender.state = before
            else wire.push([text, message])
          } else if (wire.length > 0) {
            const index = next() % wire.length
            const [text, message] = wire[index]!
            if (die < 55) wire.splice(index, 1)
            else {
              if (die < 85) wire.splice(index, 1)
              const outcome = receiver.receive(message)
              if (outcome === text) seen.set(text, (seen.get(text) ?? 0) + 1)
              else expect(delivered.has(text), `${outcome} ${text}`).toBe(true)
              delivered.add(text)
            }
          }
        }
        for (const text of delivered) expect(seen.get(text), text).toBe(1)
      }),
      { numRuns: 25, seed: 20_251_124, endOnFailure: true },
    )
  })
})
