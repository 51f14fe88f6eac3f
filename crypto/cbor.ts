// The one codec for structured bytes: deterministic CBOR of arrays, unsigned integers and byte
// strings, nothing else (SPEC.md §1). Every stored record and every frame passes here, so decoding
// is one walk that checks each head as it reads it: a tree of three kinds under minimal heads of
// definite length has one encoding, so what is read here is the deterministic one by construction.
import { type CborValue } from './cbor-encoder.ts'
import { malformed } from './errors.ts'
import { CBOR_MAX_DEPTH, CBOR_MAX_ITEMS } from './limits.ts'

export type CborArray = readonly CborValue[]

const UINT = 0
const BYTES = 2
const ARRAY = 4

class Decoder {
  readonly #bytes: Uint8Array
  #at = 0
  #items = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** The one value that is all of the bytes. */
  whole(): CborValue {
    const value = this.#value(0)
    if (this.#at !== this.#bytes.length) malformed('CBOR: bytes after the end')
    return value
  }

  /** `depth` arrays are open; {@link CBOR_MAX_DEPTH} bounds the recursion. */
  #value(depth: number): CborValue {
    if (++this.#items > CBOR_MAX_ITEMS) malformed('CBOR: too many items')
    const head = this.#bytes[this.#at++]
    if (head === undefined) malformed('CBOR: ends early')
    const major = head >> 5
    if (major !== UINT && major !== BYTES && major !== ARRAY) malformed(`CBOR: major type ${major}`)
    const argument = this.#argument(head & 31)
    if (major === UINT) return argument
    if (major === BYTES) return this.#take(argument)
    // Nothing is allocated for a length that is only claimed.
    if (argument > CBOR_MAX_ITEMS) malformed('CBOR: too many items')
    if (depth === CBOR_MAX_DEPTH) malformed('CBOR: nested too deeply')
    const elements: CborValue[] = []
    for (let i = 0; i < argument; i++) elements.push(this.#value(depth + 1))
    return elements
  }

  #take(length: number): Uint8Array {
    const start = this.#at
    this.#at += length
    if (this.#at > this.#bytes.length) malformed('CBOR: ends early')
    return new Uint8Array(this.#bytes.subarray(start, this.#at))
  }

  #argument(info: number): number {
    if (info < 24) return info
    if (info > 27) malformed('CBOR: indefinite or reserved length')
    const size = 1 << (info - 24)
    const start = this.#at
    this.#at += size
    if (this.#at > this.#bytes.length) malformed('CBOR: ends early')
    let value = 0
    for (let i = 0; i < size; i++) value = value * 256 + (this.#bytes[start + i] ?? 0)
    const least = [24, 0x100, 0x10000, 0x100000000][info - 24] ?? 0
    if (value < least) malformed('CBOR: head is not minimal')
    if (value > Number.MAX_SAFE_INTEGER) malformed('CBOR: integer above 2^53 - 1')
    return value
  }
}

/**
 * Decodes one value. Throws ERR_WIRE_MALFORMED for anything but the deterministic encoding of an
 * array tree within the limits. Byte strings are copies.
 */
export function decodeCbor(bytes: Uint8Array, maxBytes: number): CborValue {
  if (bytes.length > maxBytes) malformed(`CBOR: ${bytes.length} bytes, at most ${maxBytes}`)
  return new Decoder(bytes).whole()
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
