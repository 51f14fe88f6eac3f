// What is known of each author of a conversation, in one row: so that its next entry costs one.
import {
  type Bytes32,
  type CborValue,
  EMPTY,
  encodeCbor,
  FieldReader,
  u64,
} from '../../crypto/index.ts'
import type { ForkPoint } from '../content/frontier.ts'
import type { Table } from '../step.ts'
import type { EntryRef } from './header.ts'
import { encodeRanges, type NumberRange } from './ranges.ts'
import {
  authorOwner,
  type ByAuthor,
  type InConversation,
  readRanges,
  readRef,
  readRow,
  ROW_MAX_BYTES,
  writeRef,
} from './row-codec.ts'

export interface AuthorRow {
  readonly author: Bytes32
  /** Its place among the authors of the conversation. */
  readonly index: number
  /** Entries 1..n are held or below the base. */
  readonly n: number
  /** Entry n; undefined iff n = 0. */
  readonly last: EntryRef | undefined
  /** Entries held above n + 1. */
  readonly above: readonly NumberRange[]
  /** Highest number the author itself claimed. */
  readonly headN: number
  /** Number and entry of the base: at or below it nothing is missing. */
  readonly baseN: number
  readonly baseRef: EntryRef | undefined
  readonly open: number
  /** Numbers seen by the user. */
  readonly seen: readonly NumberRange[]
  /** Numbers that nobody has, as all who may have them said; should they come, they are taken. */
  readonly lost: readonly NumberRange[]
  /** Second entries at a number: the first eight. */
  readonly forks: readonly ForkPoint[]
}

export const authorTable: Table<ByAuthor, AuthorRow> = {
  name: 'log-author',
  sealing: 'value',
  place: (key) => ({ owner: authorOwner(key), order: EMPTY }),
  encode: (row) =>
    encodeCbor([
      row.author,
      row.index,
      row.n,
      writeRef(row.last),
      encodeRanges(row.above),
      row.headN,
      row.baseN,
      writeRef(row.baseRef),
      row.open,
      encodeRanges(row.seen),
      encodeRanges(row.lost),
      row.forks.map((fork): CborValue => [fork.n, fork.id]),
    ]),
  decode: (bytes) => {
    const fields = readRow(bytes, 'log-author')
    return {
      author: fields.bytes('author', 32),
      index: fields.uint('index'),
      n: fields.uint('n'),
      last: readRef(fields, 'last'),
      above: readRanges(fields, 'above'),
      headN: fields.uint('headN'),
      baseN: fields.uint('baseN'),
      baseRef: readRef(fields, 'baseRef'),
      open: fields.uint('open'),
      seen: readRanges(fields, 'seen'),
      lost: readRanges(fields, 'lost'),
      forks: fields.array('forks', 0, ROW_MAX_BYTES).map(readFork),
    }
  },
}

function readFork(value: CborValue): ForkPoint {
  const fields = new FieldReader(value, 'fork')
  return { n: fields.uint('n'), id: fields.bytes('id', 32) }
}

/** The authors of a conversation, in the order they were met. */
export const authorIndex: Table<InConversation & { readonly index: number }, Uint8Array> = {
  name: 'log-authors',
  sealing: 'value',
  rows: 'few',
  place: ({ conversation, index }) => ({ owner: conversation, order: u64(index) }),
  encode: (author) => encodeCbor([author]),
  decode: (bytes) => readRow(bytes, 'log-authors').bytes('author', 32),
}
