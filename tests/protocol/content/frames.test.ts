import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CryptoError, encodeCbor } from '../../../crypto/index.ts'
import { frameOf } from '../../../protocol/content/kind.ts'
import { receiptFrame } from '../../../protocol/content/receipt.ts'
import { decodeMessageFrames, kindName } from '../../../protocol/content/registry.ts'
import { typingFrame } from '../../../protocol/content/typing.ts'
import {
  type Carrier,
  decodeFrames,
  encodeFrames,
  type Frame,
  frameClass,
} from '../../../protocol/frames.ts'

const malformed = expect.objectContaining({ code: 'ERR_WIRE_MALFORMED' })
const nothing = new Uint8Array(0)
const empty = (kind: number): Frame => ({ kind, body: nothing })
const typing = frameOf(typingFrame, { conversation: undefined, typing: true })

describe('frames', () => {
  it.each([
    [0x0001, 'entry'],
    [0x0fff, 'entry'],
    [0x1000, 'unnumbered'],
    [0x10ff, 'unnumbered'],
    [0x1100, 'numbered'],
    [0x11ff, 'numbered'],
    [0x2000, 'ephemeral'],
    [0x20ff, 'ephemeral'],
    [0x3000, 'session'],
    [0x30ff, 'session'],
    [0xf000, 'private'],
    [0xffff, 'private'],
    [0x0000, 'unassigned'],
    [0x1200, 'unassigned'],
    [0x2100, 'unassigned'],
    [0xefff, 'unassigned'],
  ])('kind %i is of class %s', (kind, expected) => {
    expect(frameClass(kind)).toBe(expected)
  })

  it('come back in order, whatever their kinds and bodies', () => {
    const frame = fc.record({
      kind: fc.integer({ min: 0x1000, max: 0x11ff }),
      body: fc.uint8Array({ maxLength: 100 }),
    })
    fc.assert(
      fc.property(fc.array(frame), (frames) => {
        const back = decodeFrames(encodeFrames(frames), 'ratchet')
        expect(back.map(({ kind, body }) => [kind, [...body]])).toEqual(
          frames.map(({ kind, body }) => [kind, [...body]]),
        )
      }),
    )
  })

  it('are malformed when cut anywhere but between two', () => {
    const bytes = encodeFrames([empty(0x1000), { kind: 0x1001, body: Uint8Array.of(1, 2) }])
    for (let end = 1; end < bytes.length; end++) {
      if (end === 4) continue
      expect(() => decodeFrames(bytes.subarray(0, end), 'ratchet')).toThrow(malformed)
    }
  })

  it.each<[Carrier, number]>([
    ['ratchet', 0x0001],
    ['ratchet', 0x2000],
    ['ephemeral', 0x1000],
    ['ephemeral', 0x1100],
    ['ephemeral', 0x3000],
    ['ephemeral', 0xf000],
    ['group', 0x1001],
    ['group', 0x1082],
    ['group', 0x1087],
    ['group', 0x1100],
    ['group', 0x2000],
    ['group', 0x0001],
  ])('in the wrong carrier are malformed: %s, kind %i', (carrier, kind) => {
    expect(() => decodeFrames(encodeFrames([empty(kind)]), carrier)).toThrow(malformed)
  })

  it.each<[Carrier, number]>([
    ['ratchet', 0x1000],
    ['ratchet', 0x1100],
    ['ratchet', 0x3000],
    ['ratchet', 0xf000],
    ['ephemeral', 0x2000],
    ['group', 0x1000],
    ['group', 0x1083],
    ['group', 0x1086],
  ])('travel in their carrier: %s, kind %i', (carrier, kind) => {
    expect(decodeFrames(encodeFrames([empty(kind)]), carrier)).toHaveLength(1)
  })
})

describe('a message of frames', () => {
  it('keeps unknown numbered frames raw with their number, and counts other unknown ones', () => {
    const body = encodeCbor([7, Uint8Array.of(9)])
    const plaintext = encodeFrames([
      { kind: 0x11f0, body },
      empty(0x10f0),
      empty(0xf123),
      empty(0x4000),
      { kind: 0x3000, body: Uint8Array.of(1) },
    ])
    const message = decodeMessageFrames(plaintext, 'ratchet')
    expect(message.unknownNumbered).toEqual([{ kind: 0x11f0, body, c: 7 }])
    expect(message.skipped).toBe(3)
    expect(message.frames.map(({ kind }) => kind)).toEqual([0x3000])
  })

  it('is malformed as a whole when one known frame is', () => {
    const value = { r: 1, conversations: [], numbered: { c: 0, held: [] } }
    const good = frameOf(receiptFrame, value)
    expect(decodeMessageFrames(encodeFrames([good]), 'ratchet').frames).toHaveLength(1)
    const bad = encodeFrames([good, { kind: receiptFrame.kind, body: Uint8Array.of(0x80) }])
    expect(() => decodeMessageFrames(bad, 'ratchet')).toThrow(malformed)
  })

  it.each([
    ['nothing', nothing],
    ['no array', encodeCbor(3)],
    ['c = 0', encodeCbor([0])],
    ['c that is no number', encodeCbor([nothing])],
  ])('is malformed when an unknown numbered frame has %s', (_what, body) => {
    const plaintext = encodeFrames([{ kind: 0x11f0, body }])
    expect(() => decodeMessageFrames(plaintext, 'ratchet')).toThrow(malformed)
  })

  it('carries typing in ephemeral messages only', () => {
    expect(decodeMessageFrames(encodeFrames([typing]), 'ephemeral').frames).toHaveLength(1)
    expect(() => decodeMessageFrames(encodeFrames([typing]), 'ratchet')).toThrow(malformed)
  })

  it('throws nothing but ERR_WIRE_MALFORMED on noise', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeMessageFrames(bytes, 'ratchet')
        } catch (error) {
          expect(error).toBeInstanceOf(CryptoError)
        }
      }),
    )
  })

  it('names the kinds it knows', () => {
    expect(kindName(0x1001)).toBe('receipt')
    expect(kindName(0x10f0)).toBeUndefined()
  })
})
