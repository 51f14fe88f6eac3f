import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeBase32, encodeBase32, encodeText } from '../../crypto/index.ts'
import { refusal } from './decoder-checks.ts'

describe('base32', () => {
  it('gives the strings of RFC 4648 §10, in lower case and without padding', () => {
    const expected = ['', 'my', 'mzxq', 'mzxw6', 'mzxw6yq', 'mzxw6ytb', 'mzxw6ytboi']
    expect(expected).toEqual(
      ['', 'f', 'fo', 'foo', 'foob', 'fooba', 'foobar'].map((text) =>
        encodeBase32(encodeText(text)),
      ),
    )
  })

  it('comes back whatever case, spaces, line breaks and hyphens were put in', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.constantFrom(' ', '\n', '-', '\t'), (bytes, gap) => {
        const text = encodeBase32(bytes)
        expect(decodeBase32(text)).toEqual(bytes)
        expect(decodeBase32(text.toUpperCase().split('').join(gap))).toEqual(bytes)
      }),
    )
  })

  it('refuses a second spelling of the same bytes', () => {
    expect(refusal(() => decodeBase32('mz'))).toBe('ERR_WIRE_MALFORMED')
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', 'b', 'y', 'z', '2', '4', '7'), maxLength: 20 }),
        (text) => {
          if (refusal(() => decodeBase32(text)) === undefined) {
            expect(encodeBase32(decodeBase32(text))).toBe(text)
          }
        },
      ),
    )
  })

  it.each(['a', 'abc', 'mzxw6y', 'm0', 'm1', 'mý', 'my=='])('refuses %s', (text) => {
    expect(refusal(() => decodeBase32(text))).toBe('ERR_WIRE_MALFORMED')
  })
})
