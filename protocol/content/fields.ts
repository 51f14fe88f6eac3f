// How every frame body starts to be read, and the shapes several of them share.
import {
  type Bytes32,
  type CborArray,
  type CborValue,
  decodeCbor,
  EMPTY,
  FieldReader,
  malformed,
} from '../../crypto/index.ts'
import { FRAMES_MAX_BYTES, LAMPORT_MAX } from '../limits.ts'
import { decodeRef, type EntryRef } from '../log/header.ts'

/** The fields of a frame body. Throws ERR_WIRE_MALFORMED. */
export function bodyFields(body: Uint8Array, what: string): FieldReader {
  return new FieldReader(decodeCbor(body, FRAMES_MAX_BYTES), what)
}

/** The fields of a frame body after its version, which is 1. */
export function versionedFields(body: Uint8Array, what: string): FieldReader {
  const fields = bodyFields(body, what)
  if (fields.uint('version') !== 1) malformed(`${what}: not version 1`)
  return fields
}

/** c of a numbered frame: 1, 2, .. per pair of devices. */
export function numberField(fields: FieldReader): number {
  const c = fields.uint('c', LAMPORT_MAX)
  if (c < 1) malformed('numbered frame: c is 0')
  return c
}

/** A conversation id; `""` (undefined) is the direct conversation of the session's two accounts. */
export function conversationField(fields: FieldReader): Bytes32 | undefined {
  return fields.optional('conv', 32)
}

export function optionalBytes(bytes: Uint8Array | undefined): Uint8Array {
  return bytes ?? EMPTY
}

export function encodeRefs(refs: readonly EntryRef[]): CborArray {
  return refs.map((ref) => [ref.id, ref.lamport])
}

export function decodeRefs(values: CborArray, what: string): readonly EntryRef[] {
  return values.map((value: CborValue) => decodeRef(value, what))
}
