// What it takes to put one operation and its reply on the wire (SPEC.md §12.2).
import type { CborValue, FieldReader } from '../../crypto/index.ts'

/** Q: the request's fields; A: the reply's, when it took effect. */
export interface OpCodec<Q, A> {
  readonly code: number
  /** The fields after the code. */
  readonly encode: (request: Q) => readonly CborValue[]
  readonly decode: (fields: FieldReader) => Q
  /** The whole reply, status first. */
  readonly encodeReply: (reply: A) => readonly CborValue[]
  /** Reads what follows a status below 16. */
  readonly decodeReply: (fields: FieldReader, status: number) => A
}

/** The reply of an operation that has nothing to say but that it took effect. */
export interface Done {
  readonly kind: 'done'
}

export const DONE: Done = { kind: 'done' }

export const encodeDone = (): readonly CborValue[] => [0]
export const decodeDone = (): Done => DONE
