// base32 as of RFC 4648 §6, lower case, without padding: what people copy, type and scan. Upper case
// fits the alphanumeric mode of QR codes (SPEC.md §2).
import { malformed } from './errors.ts'

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'

export function encodeBase32(bytes: Uint8Array): string {
  let out = ''
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      out += ALPHABET[(held >> bits) & 31] ?? ''
    }
    held &= (1 << bits) - 1
  }
  if (bits > 0) out += ALPHABET[(held << (5 - bits)) & 31] ?? ''
  return out
}

/**
 * Decodes text as people hand it on: case is folded, white space and hyphens are skipped. Throws
 * ERR_WIRE_MALFORMED for another character, a length no bytes have, or trailing bits that are not
 * zero, so that one byte string has one spelling.
 */
export function decodeBase32(text: string): Uint8Array<ArrayBuffer> {
  const digits = text.replaceAll(/[\s-]/g, '').toLowerCase()
  const out = new Uint8Array(Math.floor((digits.length * 5) / 8))
  let at = 0
  let bits = 0
  let held = 0
  for (const digit of digits) {
    const value = ALPHABET.indexOf(digit)
    if (value < 0) malformed('base32: a character that does not occur in it')
    held = (held << 5) | value
    bits += 5
    if (bits >= 8) {
      bits -= 8
      out[at++] = held >> bits
      held &= (1 << bits) - 1
    }
  }
  if (bits >= 5) malformed('base32: a character too many or too few')
  if (held !== 0) malformed('base32: trailing bits that are not zero')
  return out
}
