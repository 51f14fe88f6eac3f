import { encode } from 'cborg'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type CborValue,
  decodeCbor,
  encodeCbor,
  equalBytes,
  fromHex,
  toHex,
} from '../../crypto/index.ts'

describe('the CBOR codec', () => {
  it('encodes arrays, unsigned integers and byte strings deterministically', () => {
    expect(toHex(encodeCbor([1, 300, Uint8Array.of(1, 2), [], [[0]]]))).toBe(
      '85011901 2c4201028081 8100'.replaceAll(' ', ''),
    )
  })

  const refused: readonly (readonly [string, string])[] = [
    ['a float that equals an integer', '81f93c00'],
    ['a head that is not minimal', '811801'],
    ['an indefinite array', '9f01ff'],
    ['an indefinite byte string', '5f4101ff'],
    ['a text string', '816161'],
    ['a map', '81a0'],
    ['a tag', '81c001'],
    ['a negative integer', '8120'],
    ['a simple value', '81f5'],
    ['bytes after the end', '8000'],
    ['an integer above 2^53 - 1', '811b0020000000000000'],
    ['a string that ends early', '8142ff'],
    ['an array that ends early', '8201'],
    ['nesting beyond the limit', '81'.repeat(9) + '00'],
    ['a huge array head', '9affffffff'],
    ['nothing', ''],
  ]
  it.each(refused)('refuses %s', (_what, hex) => {
    expect(() => decodeCbor(fromHex(hex), 1024)).toThrow(
      expect.objectContaining({ code: 'ERR_WIRE_MALFORMED' }),
    )
  })

  it('accepts nesting up to the limit', () => {
    expect(() => decodeCbor(fromHex('81'.repeat(8) + '00'), 1024)).not.toThrow()
  })
})

describe('the CBOR encoder', () => {
  const edges = [0, 23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1]
  const number = fc.oneof(fc.constantFrom(...edges), fc.maxSafeNat())
  const string = fc.uint8Array({ maxLength: 300 })
  const { value } = fc.letrec<{ value: CborValue }>((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, number, string, fc.array(tie('value'), { maxLength: 30 })),
  }))

  it('writes what cborg writes', () => {
    const property = fc.property(value, (tree) => {
      expect(encodeCbor(tree)).toEqual(new Uint8Array(encode(tree)))
    })
    fc.assert(property)
  })

  it('knows every length of a head', () => {
    const ends = [23, 24, 255, 256, 65_535, 65_536].map((length) => new Uint8Array(length))
    for (const tree of [...edges, ...ends, Array.from({ length: 300 }, () => 0)]) {
      expect(equalBytes(encodeCbor(tree), encode(tree))).toBe(true)
    }
  })

  it.each([-1, 1.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY])('refuses %d', (wrong) => {
    expect(() => encodeCbor([wrong])).toThrow(
      expect.objectContaining({ code: 'ERR_CRYPTO_PARAMETER' }),
    )
  })
})
