import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeText, encodeText } from '../../crypto/index.ts'

describe('text on the wire', () => {
  it('agrees with the platform on every well-formed string', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(encodeText(text)).toEqual(new Uint8Array(new TextEncoder().encode(text)))
        expect(decodeText(encodeText(text))).toBe(text)
      }),
    )
  })

  it('agrees with the platform on which bytes are not well-formed', () => {
    const platform = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
        let expected: string | undefined
        try {
          expected = platform.decode(bytes)
        } catch {
          expected = undefined
        }
        expect(decodeText(bytes)).toBe(expected)
      }),
      { numRuns: 2000 },
    )
  })

  it('keeps a leading U+FEFF', () => {
    expect(decodeText(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe('\uFEFFa')
  })

  it('refuses a lone surrogate', () => {
    expect(() => encodeText('a\uD800')).toThrow(
      expect.objectContaining({ code: 'ERR_CRYPTO_TEXT' }),
    )
  })
})
