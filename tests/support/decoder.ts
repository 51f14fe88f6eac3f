// What every decoder owes: round trip, a typed error on every truncation, on a trailing byte and on
// noise, and no other error ever.
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { CryptoError } from '../../crypto/index.ts'

function codeOf(run: () => unknown): string | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    if (error instanceof CryptoError) return error.code
    throw error
  }
}

export interface DecoderCase<T> {
  readonly value: T
  readonly encode: (value: T) => Uint8Array
  readonly decode: (bytes: Uint8Array) => T
}

/** Adds the tests of one decoder to the enclosing describe. */
export function testDecoder<T>({ value, encode, decode }: DecoderCase<T>): void {
  const bytes = encode(value)

  it('round trips', () => {
    expect(decode(bytes)).toEqual(value)
    expect(encode(decode(bytes))).toEqual(bytes)
  })

  it('refuses every truncation and a trailing byte', () => {
    for (let end = 0; end < bytes.length; end++) {
      expect(codeOf(() => decode(bytes.subarray(0, end)))).toBe('ERR_WIRE_MALFORMED')
    }
    const longer = new Uint8Array(bytes.length + 1)
    longer.set(bytes)
    expect(codeOf(() => decode(longer))).toBe('ERR_WIRE_MALFORMED')
  })

  it('throws nothing but ERR_WIRE_* on noise and on flipped bits', () => {
    const noise = fc.uint8Array({ maxLength: 300 })
    const flipped = fc
      .tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }))
      .map(([at, mask]) => {
        const out = Uint8Array.from(bytes)
        out[at] = (out[at] ?? 0) ^ mask
        return out
      })
    fc.assert(
      fc.property(fc.oneof(noise, flipped), (input) => {
        const code = codeOf(() => decode(input))
        expect([undefined, 'ERR_WIRE_MALFORMED', 'ERR_WIRE_UNSUPPORTED']).toContain(code)
      }),
      { numRuns: 150 },
    )
  })
}
