import { describe, expect, it } from 'vitest'
import { decodeCbor, encodeCbor, fromHex, toHex } from '../../crypto/index.ts'

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
