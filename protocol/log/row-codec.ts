// How the rows of a log are encoded, and the keys that several tables share.
import {
  type Bytes32,
  type CborArray,
  concat,
  decodeCbor,
  FieldReader,
} from '../../crypto/index.ts'
import { decodeRef, type EntryRef } from './header.ts'
import { decodeRanges, type NumberRange } from './ranges.ts'

/** Rows of our own are as long as they were written. */
export const ROW_MAX_BYTES: number = 1 << 24
const RANGES_STORED_MAX = 32_768

/** The fields of a stored row. */
export function readRow(bytes: Uint8Array, what: string): FieldReader {
  return new FieldReader(decodeCbor(bytes, ROW_MAX_BYTES), what)
}

export function readRanges(fields: FieldReader, name: string): readonly NumberRange[] {
  return decodeRanges(fields.array(name, 0, RANGES_STORED_MAX), 1, RANGES_STORED_MAX)
}

export function writeRef(ref: EntryRef | undefined): CborArray {
  return ref === undefined ? [] : [ref.id, ref.lamport]
}

export function readRef(fields: FieldReader, name: string): EntryRef | undefined {
  const value = fields.array(name, 0, 2)
  return value.length === 0 ? undefined : decodeRef(value, name)
}

export interface InConversation {
  readonly conversation: Bytes32
}

export interface ByAuthor extends InConversation {
  readonly author: Bytes32
}

export function authorOwner(key: ByAuthor): Uint8Array<ArrayBuffer> {
  return concat(key.conversation, key.author)
}
