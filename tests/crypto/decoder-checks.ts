// What every decoder of bytes from outside must pass: every truncation, a trailing byte, every
// single-byte change, and noise end in a CryptoError, and in nothing else.
import * as fc from 'fast-check'
import { expect } from 'vitest'
import { CryptoError, type Random } from '../../crypto/index.ts'

/** Runs a decoder; the code of the CryptoError it throws, or undefined where it accepts. */
export function refusal(decode: () => unknown): string | undefined {
  try {
    decode()
    return undefined
  } catch (error) {
    if (error instanceof CryptoError) return error.code
    throw error
  }
}

/** Every proper prefix and one byte more are refused. */
export function refusesOtherLengths(
  decode: (bytes: Uint8Array) => unknown,
  good: Uint8Array,
): void {
  for (let length = 0; length < good.length; length++) {
    expect(
      refusal(() => decode(good.subarray(0, length))),
      `${length} bytes`,
    ).toBeDefined()
  }
  expect(refusal(() => decode(Uint8Array.from([...good, 0])))).toBeDefined()
}

/** Noise, and good bytes with a few changed, throw CryptoError or decode; nothing else. */
export function survivesNoise(
  decode: (bytes: Uint8Array) => unknown,
  good: Uint8Array,
  numRuns = 100,
): void {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2 * good.length }), (bytes) => {
      refusal(() => decode(bytes))
    }),
    { numRuns },
  )
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 })), {
        minLength: 1,
        maxLength: 4,
      }),
      (changes) => {
        const bytes = new Uint8Array(good)
        for (const [at, flip] of changes) bytes[at] = (bytes[at] ?? 0) ^ flip
        refusal(() => decode(bytes))
      },
    ),
    { numRuns },
  )
}

/** Bytes that count up from a start: readable inputs for vectors. */
export function counting(length: number, start = 0): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => (start + i) & 0xff)
}

/** A random source for tests that gives other bytes at each call, the same in each run. */
export function countingRandom(start = 1): Random {
  let next = start
  return (length) => counting(length, 7 * next++)
}
