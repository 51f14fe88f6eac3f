// The one codec for structured bytes: deterministic CBOR of arrays, unsigned integers and byte
// strings, nothing else (SPEC.md §1). Decoding is: size cap, iterative pre-scan, cborg in strict
// mode, and re-encode-and-compare, always.
import { decode } from 'cborg'
import { equalBytes } from './bytes.ts'
import { type CborValue, encodeCbor } from './cbor-encoder.ts'
import { CryptoError, malformed } from './errors.ts'
import { CBOR_MAX_DEPTH, CBOR_MAX_ITEMS } from './limits.ts'

export type CborArray = readonly CborValue[]

/** Walks the heads without recursion: majors 0, 2, 4, minimal heads, depth and item limits, exact end. */
function prescan(bytes: Uint8Array): void {
  // How many items are left on each level; the first level is the value itself.
  const levels: number[] = [1]
  let at = 0
  let items = 0
  while (levels.length > 0) {
    const left = levels[levels.length - 1] ?? 0
    if (left === 0) {
      levels.pop()
      continue
    }
    levels[levels.length - 1] = left - 1
    if (++items > CBOR_MAX_ITEMS) malformed('CBOR: too many items')
    const head = bytes[at++]
    if (head === undefined) malformed('CBOR: ends early')
    const major = head >> 5
    if (major !== 0 && major !== 2 && major !== 4) malformed(`CBOR: major type ${major}`)
    const [argument, next] = readArgument(bytes, head & 31, at)
    at = next
    if (major === 2) at += argument
    if (at > bytes.length) malformed('CBOR: ends early')
    if (major === 4) {
      if (argument > CBOR_MAX_ITEMS) malformed('CBOR: too many items')
      levels.push(argument)
      if (levels.length - 1 > CBOR_MAX_DEPTH) malformed('CBOR: nested too deeply')
    }
  }
  if (at !== bytes.length) malformed('CBOR: bytes after the end')
}

function readArgument(bytes: Uint8Array, info: number, at: number): readonly [number, number] {
  if (info < 24) return [info, at]
  if (info > 27) malformed('CBOR: indefinite or reserved length')
  const size = 1 << (info - 24)
  if (at + size > bytes.length) malformed('CBOR: ends early')
  let value = 0
  for (let i = 0; i < size; i++) value = value * 256 + (bytes[at + i] ?? 0)
  const least = [24, 0x100, 0x10000, 0x100000000][info - 24] ?? 0
  if (value < least) malformed('CBOR: head is not minimal')
  if (value > Number.MAX_SAFE_INTEGER) malformed('CBOR: integer above 2^53 - 1')
  return [value, at + size]
}

/**
 * Decodes one value. Throws ERR_WIRE_MALFORMED for anything but the deterministic encoding of an
 * array tree within the limits. Byte strings are copies.
 */
export function decodeCbor(bytes: Uint8Array, maxBytes: number): CborValue {
  if (bytes.length > maxBytes) malformed(`CBOR: ${bytes.length} bytes, at most ${maxBytes}`)
  prescan(bytes)
  let value: CborValue
  try {
    value = decode(bytes, {
      strict: true,
      useMaps: true,
      allowIndefinite: false,
      allowUndefined: false,
      allowNaN: false,
      allowInfinity: false,
      allowBigInt: false,
    }) as CborValue
  } catch (cause) {
    throw new CryptoError('ERR_WIRE_MALFORMED', 'CBOR: not decodable', { cause })
  }
  if (!equalBytes(encodeCbor(value), bytes)) malformed('CBOR: not the deterministic encoding')
  return value
}

/** Reads the fields of one array in order; every mistake is ERR_WIRE_MALFORMED and names the field. */
export class FieldReader {
  readonly #fields: CborArray
  readonly #what: string
  #at = 0

  constructor(value: CborValue | undefined, what: string) {
    if (!Array.isArray(value)) malformed(`${what}: not an array`)
    this.#fields = value as CborArray
    this.#what = what
  }

  #next(): CborValue {
    const value = this.#fields[this.#at++]
    if (value === undefined) malformed(`${this.#what}: field ${this.#at} is missing`)
    return value
  }

  /** An unsigned integer of at most `max` (2^53 - 1 unless told). */
  uint(name: string, max: number = Number.MAX_SAFE_INTEGER): number {
    const value = this.#next()
    if (typeof value !== 'number' || value > max)
      malformed(`${this.#what}.${name}: not a number <= ${max}`)
    return value
  }

  /** 0 or 1. */
  flag(name: string): boolean {
    return this.uint(name, 1) === 1
  }

  /** A byte string of min to max bytes. */
  bytes(name: string, min: number, max: number = min): Uint8Array {
    const value = this.#next()
    if (!(value instanceof Uint8Array) || value.length < min || value.length > max) {
      malformed(`${this.#what}.${name}: not ${min === max ? min : `${min} to ${max}`} bytes`)
    }
    return value
  }

  /** A byte string of exactly `length` bytes, or the empty one (absent). */
  optional(name: string, length: number): Uint8Array | undefined {
    const value = this.bytes(name, 0, length)
    if (value.length !== 0 && value.length !== length)
      malformed(`${this.#what}.${name}: not ${length} bytes`)
    return value.length === 0 ? undefined : value
  }

  /** An array of min to max elements. */
  array(name: string, min: number, max: number): CborArray {
    const value = this.#next()
    if (!Array.isArray(value) || value.length < min || value.length > max) {
      malformed(`${this.#what}.${name}: not ${min} to ${max} elements`)
    }
    return value as CborArray
  }

  /** A nested array with its own reader. */
  nested(name: string): FieldReader {
    return new FieldReader(this.#next(), `${this.#what}.${name}`)
  }

  /** Any value, as it is. */
  raw(): CborValue {
    return this.#next()
  }

  /** How many elements are left. */
  get left(): number {
    return this.#fields.length - this.#at
  }

  /** Refuses further elements: for arrays that are not marked + in SPEC.md. */
  end(): void {
    if (this.left > 0) malformed(`${this.#what}: ${this.left} elements too many`)
  }
}
