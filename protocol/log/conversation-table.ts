// What is known of a conversation as a whole, in one row.
import { type Bytes32, EMPTY, encodeCbor } from '../../crypto/index.ts'
import type { Table } from '../step.ts'
import type { EntryRef } from './header.ts'
import { readRef, readRow, writeRef } from './row-codec.ts'

export interface ConversationRow {
  /** The last arrival number given. */
  readonly arrivals: number
  readonly authors: number
  readonly open: number
  /** Entries of kinds or versions that this build could not show when they came. */
  readonly unknown: number
  readonly proofs: number
  /** Roots that were ever put: without any, none need to be looked for. */
  readonly roots: number
  /** The highest closed entry. */
  readonly top: EntryRef | undefined
  /** The highest entry that was seen. */
  readonly seenTop: EntryRef | undefined
  /** Everything that arrived up to here was seen. */
  readonly position: number
  /** Entries of others that arrived above position. */
  readonly unread: number
}

export const conversationTable: Table<Bytes32, ConversationRow> = {
  name: 'log-conv',
  sealing: 'value',
  place: (conversation) => ({ owner: conversation, order: EMPTY }),
  encode: (row) =>
    encodeCbor([
      row.arrivals,
      row.authors,
      row.open,
      row.unknown,
      row.proofs,
      row.roots,
      writeRef(row.top),
      writeRef(row.seenTop),
      row.position,
      row.unread,
    ]),
  decode: (bytes) => {
    const fields = readRow(bytes, 'log-conv')
    return {
      arrivals: fields.uint('arrivals'),
      authors: fields.uint('authors'),
      open: fields.uint('open'),
      unknown: fields.uint('unknown'),
      proofs: fields.uint('proofs'),
      roots: fields.uint('roots'),
      top: readRef(fields, 'top'),
      seenTop: readRef(fields, 'seenTop'),
      position: fields.uint('position'),
      unread: fields.uint('unread'),
    }
  },
}
