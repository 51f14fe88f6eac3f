// Small helpers for the codecs of stored records: the same strict CBOR as the wire, with the few
// shapes records need.
import {
  type CborValue,
  EMPTY,
  FieldReader,
  decodeCbor,
  decodeText,
  encodeCbor,
  encodeText,
  malformed,
} from '../crypto/index.ts'

/** Bytes of one stored record at most: an envelope and what lies around it. */
const RECORD_MAX_BYTES = 262_144

export function encodeRecord(fields: readonly CborValue[]): Uint8Array {
  return encodeCbor(fields)
}

export function readRecord(bytes: Uint8Array, what: string): FieldReader {
  return new FieldReader(decodeCbor(bytes, RECORD_MAX_BYTES), what)
}

/** Text field of a record. */
export function textField(fields: FieldReader, name: string, maxBytes: number): string {
  return decodeText(fields.bytes(name, 0, maxBytes)) ?? malformed(`${name}: not UTF-8`)
}

export function text(value: string): Uint8Array {
  return encodeText(value)
}

/** An absent byte string is the empty one. */
export function orEmpty(bytes: Uint8Array | undefined): Uint8Array {
  return bytes ?? EMPTY
}

/** Reads every element of an array field with its own reader. */
export function readList<T>(
  fields: FieldReader,
  name: string,
  max: number,
  read: (element: FieldReader) => T,
): readonly T[] {
  return fields.array(name, 0, max).map((element) => read(new FieldReader(element, name)))
}
