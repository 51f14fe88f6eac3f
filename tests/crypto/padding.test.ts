import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { frameRoom, padFrames, padTo, unpad, unpadContent } from '../../crypto/index.ts'
import { LADDER } from '../../crypto/limits.ts'
import { counting, refusal } from './decoder-checks.ts'

const lists = counting(48)
/** Bytes around the padded plaintext: seal 66 and ratchet 89. */
const AROUND = 155
const INIT = 1448

describe('padding of ratchet plaintexts', () => {
  it('gives the lengths of the ladder less every overhead', () => {
    const lengths = [0, 400, 900, 2_000, 4_000, 9_000, 17_000, 33_000].map(
      (frames) => padFrames(lists, new Uint8Array(frames), 0).length,
    )
    expect(lengths).toEqual([357, 869, 1893, 3941, 8037, 16229, 32613, 65381])
  })

  it('has room for 65 332 bytes of frames without an init', () => {
    expect(frameRoom(0)).toBe(65_332)
    expect(frameRoom(INIT)).toBe(65_332 - INIT)
    expect(frameRoom(100_000)).toBe(0)
    expect(padFrames(lists, new Uint8Array(65_332), 0).length).toBe(65_381)
    expect(refusal(() => padFrames(lists, new Uint8Array(65_333), 0))).toBe('ERR_PROTOCOL_LIMIT')
    expect(padFrames(lists, new Uint8Array(65_332 - INIT), INIT).length).toBe(65_381 - INIT)
    expect(refusal(() => padFrames(lists, new Uint8Array(65_333 - INIT), INIT))).toBe(
      'ERR_PROTOCOL_LIMIT',
    )
  })

  it('pads a first message to 2 048 sealed bytes: 245 of frames, 152 of padding', () => {
    const padded = padFrames(lists, new Uint8Array(245), INIT)
    expect(padded.length).toBe(445)
    expect(padded.length - 48 - 245).toBe(152)
  })

  it('makes every sealed total the smallest size of the ladder that holds it', () => {
    fc.assert(
      fc.property(fc.nat(60_000), fc.constantFrom(0, INIT, 3795), (length, init) => {
        const total = padFrames(lists, new Uint8Array(length), init).length + init + AROUND
        expect(LADDER).toContain(total)
        const smaller = LADDER[LADDER.indexOf(total) - 1] ?? 0
        expect(48 + length + 1 + init + AROUND).toBeGreaterThan(smaller)
      }),
    )
  })

  it('gives back lists and frames, whatever the frames end in', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), fc.constantFrom(0, INIT), (frames, init) => {
        const back = unpad(padFrames(lists, frames, init))
        expect(back.lists).toEqual(lists)
        expect(back.frames).toEqual(frames)
      }),
    )
    expect(unpad(padFrames(lists, Uint8Array.of(0x80, 0, 0), 0)).frames).toEqual(
      Uint8Array.of(0x80, 0, 0),
    )
  })

  it('refuses plaintexts that were not padded', () => {
    expect(refusal(() => unpad(new Uint8Array(0)))).toBe('ERR_WIRE_MALFORMED')
    expect(refusal(() => unpad(new Uint8Array(357)))).toBe('ERR_WIRE_MALFORMED')
    expect(refusal(() => unpad(new Uint8Array(357).fill(1)))).toBe('ERR_WIRE_MALFORMED')
    expect(refusal(() => unpad(padTo(counting(47), 357)))).toBe('ERR_WIRE_MALFORMED')
    expect(unpad(padTo(lists, 49)).frames.length).toBe(0)
  })

  it('refuses a caller with wrong lengths', () => {
    expect(refusal(() => padFrames(counting(47), counting(1), 0))).toBe('ERR_CRYPTO_PARAMETER')
    expect(refusal(() => padFrames(lists, counting(1), -1))).toBe('ERR_CRYPTO_PARAMETER')
    expect(refusal(() => padTo(counting(5), 5))).toBe('ERR_PROTOCOL_LIMIT')
    expect(unpadContent(padTo(counting(5), 6))).toEqual(counting(5))
  })
})
