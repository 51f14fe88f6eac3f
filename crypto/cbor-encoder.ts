// Deterministic CBOR of arrays, unsigned integers and byte strings (RFC 8949 §4.2.1): shortest heads,
// definite lengths. Every stored record and every frame passes here, so it is two plain walks and
// not a general encoder: one that counts, one that writes.
import { CryptoError } from './errors.ts'

/** What the protocol's CBOR can hold. Text is a byte string of UTF-8; booleans are 0 and 1. */
export type CborValue = number | Uint8Array | readonly CborValue[]

const BYTES = 0x40
const ARRAY = 0x80

function headLength(argument: number): number {
  if (argument < 24) return 1
  if (argument < 0x100) return 2
  if (argument < 0x10000) return 3
  return argument < 0x1_0000_0000 ? 5 : 9
}

function lengthOf(value: CborValue): number {
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value) && value >= 0) return headLength(value)
    throw new CryptoError('ERR_CRYPTO_PARAMETER', `CBOR: ${value} is no unsigned integer`)
  }
  if (value instanceof Uint8Array) return headLength(value.length) + value.length
  let length = headLength(value.length)
  // Counted and not iterated, here and below: an iterator costs a quarter of the whole encoding.
  for (let i = 0; i < value.length; i++) length += lengthOf(value[i] ?? 0)
  return length
}

/** Writes a head; where it ends. */
function writeHead(out: Uint8Array, at: number, major: number, argument: number): number {
  const length = headLength(argument)
  if (length === 1) {
    out[at] = major | argument
    return at + 1
  }
  out[at] = major | { 2: 24, 3: 25, 5: 26, 9: 27 }[length as 2]
  let rest = argument
  for (let i = length - 1; i > 0; i--) {
    out[at + i] = rest % 256
    rest = Math.floor(rest / 256)
  }
  return at + length
}

function write(out: Uint8Array, at: number, value: CborValue): number {
  if (typeof value === 'number') return writeHead(out, at, 0, value)
  if (value instanceof Uint8Array) {
    const start = writeHead(out, at, BYTES, value.length)
    out.set(value, start)
    return start + value.length
  }
  let end = writeHead(out, at, ARRAY, value.length)
  for (let i = 0; i < value.length; i++) end = write(out, end, value[i] ?? 0)
  return end
}

/** Throws ERR_CRYPTO_PARAMETER for a number that is no unsigned integer up to 2^53 - 1. */
export function encodeCbor(value: CborValue): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(lengthOf(value))
  write(out, 0, value)
  return out
}
