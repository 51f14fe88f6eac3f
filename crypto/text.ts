// Text on the wire is a byte string of UTF-8 (SPEC.md §1): fatal on bad bytes, a leading U+FEFF is
// kept, nothing is normalised. TextDecoder is not in this floor's library, and its ignoreBOM trap
// is the reason to write the eleven cases out.
import { CryptoError } from './errors.ts'

/** UTF-8 bytes of a well-formed string. Throws ERR_CRYPTO_TEXT on a lone surrogate. */
export function encodeText(text: string): Uint8Array<ArrayBuffer> {
  return encodeAscii(text) ?? encodeUtf8(text)
}

/** Most texts and all names of tables: one byte a character. Undefined where the text has others. */
function encodeAscii(text: string): Uint8Array<ArrayBuffer> | undefined {
  const out = new Uint8Array(text.length)
  for (let i = 0; i < out.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit >= 0x80) return undefined
    out[i] = unit
  }
  return out
}

function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  const out: number[] = []
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0
    if (point < 0x80) out.push(point)
    else if (point < 0x800) out.push(0xc0 | (point >> 6), 0x80 | (point & 63))
    else if (point >= 0xd800 && point <= 0xdfff) {
      throw new CryptoError('ERR_CRYPTO_TEXT', 'the text holds a lone surrogate')
    } else if (point < 0x10000) {
      out.push(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63))
    } else {
      out.push(0xf0 | (point >> 18), 0x80 | ((point >> 12) & 63))
      out.push(0x80 | ((point >> 6) & 63), 0x80 | (point & 63))
    }
  }
  return Uint8Array.from(out)
}

/** The string of UTF-8 bytes, or undefined where they are not well-formed (RFC 3629 §4). */
export function decodeText(bytes: Uint8Array): string | undefined {
  const parts: string[] = []
  let points: number[] = []
  let at = 0
  while (at < bytes.length) {
    const first = bytes[at] ?? 0
    let size = 1
    let point = first
    if (first >= 0x80) {
      if (first >= 0xc2 && first <= 0xdf) [size, point] = [2, first & 0x1f]
      else if (first >= 0xe0 && first <= 0xef) [size, point] = [3, first & 0x0f]
      else if (first >= 0xf0 && first <= 0xf4) [size, point] = [4, first & 0x07]
      else return undefined
      if (at + size > bytes.length) return undefined
      for (let i = 1; i < size; i++) {
        const next = bytes[at + i] ?? 0
        if ((next & 0xc0) !== 0x80) return undefined
        point = (point << 6) | (next & 0x3f)
      }
      if (size === 3 && (point < 0x800 || (point >= 0xd800 && point <= 0xdfff))) return undefined
      if (size === 4 && (point < 0x10000 || point > 0x10ffff)) return undefined
    }
    points.push(point)
    at += size
    if (points.length === 4096) {
      parts.push(String.fromCodePoint(...points))
      points = []
    }
  }
  parts.push(String.fromCodePoint(...points))
  return parts.join('')
}
