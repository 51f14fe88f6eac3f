// What a log is kept in (SPEC.md §8, §11). Headers live for ever in log-entry; bodies lie apart, so
// that they can be destroyed; the rest are indexes over them. Nothing here names anybody in an order.
import {
  type Bytes32,
  type CborArray,
  type CborValue,
  concat,
  decodeCbor,
  EMPTY,
  encodeCbor,
  FieldReader,
  u64,
} from '../../crypto/index.ts'
import type { ForkPoint } from '../content/frontier.ts'
import type { Table } from '../step.ts'
import type { EntryBody } from './entry.ts'
import { decodeRef, type EntryRef } from './header.ts'
import { decodeRanges, encodeRanges, type NumberRange } from './ranges.ts'

/** Rows of our own are as long as they were written. */
const ROW_MAX_BYTES: number = 1 << 24
const RANGES_STORED_MAX = 32_768

function read(bytes: Uint8Array, what: string): FieldReader {
  return new FieldReader(decodeCbor(bytes, ROW_MAX_BYTES), what)
}

function readRanges(fields: FieldReader, name: string): readonly NumberRange[] {
  return decodeRanges(fields.array(name, 0, RANGES_STORED_MAX), 1, RANGES_STORED_MAX)
}

function writeRef(ref: EntryRef | undefined): CborArray {
  return ref === undefined ? [] : [ref.id, ref.lamport]
}

function readRef(fields: FieldReader, name: string): EntryRef | undefined {
  const value = fields.array(name, 0, 2)
  return value.length === 0 ? undefined : decodeRef(value, name)
}

/** Where an entry stands in a conversation's order: u64 lamport ‖ id. */
export function orderKey(ref: EntryRef): Uint8Array<ArrayBuffer> {
  return concat(u64(ref.lamport), ref.id)
}

/** The entry at an order key. */
export function orderRef(order: Uint8Array): EntryRef {
  const lamport = Number(new DataView(order.buffer, order.byteOffset, 8).getBigUint64(0))
  return { lamport, id: order.slice(8) }
}

export interface EntryRow {
  readonly headerBytes: Uint8Array
  readonly signature: Uint8Array | undefined
  /** 0: the body is in log-body; else why it is absent. */
  readonly reason: number
  readonly open: boolean
  /** How many of its prev and parents are not closed yet; those it contradicts count for ever. */
  readonly pending: number
  readonly arrival: number
  readonly late: boolean
  /** It contradicts an entry that it cites: it never closes and is never cited. */
  readonly flagged: boolean
  /** Its author has another entry with this number. */
  readonly forked: boolean
  /** Handed on by another device of its author's account. */
  readonly labelled: boolean
  /** The own device that handed it on. */
  readonly via: Bytes32 | undefined
}

/** By id. */
export const entryTable: Table<Bytes32, EntryRow> = {
  name: 'log-entry',
  sealing: 'value',
  place: (id) => ({ owner: EMPTY, order: id }),
  encode: (row) =>
    encodeCbor([
      row.headerBytes,
      row.signature ?? EMPTY,
      row.reason,
      row.pending,
      row.arrival,
      [row.open, row.late, row.flagged, row.forked, row.labelled].map(Number),
      row.via ?? EMPTY,
    ]),
  decode: (bytes) => {
    const fields = read(bytes, 'log-entry')
    const headerBytes = fields.bytes('header', 1, ROW_MAX_BYTES)
    const signature = fields.optional('sig', 64)
    const reason = fields.uint('reason')
    const pending = fields.uint('pending')
    const arrival = fields.uint('arrival')
    const flags = fields.nested('flags')
    const open = flags.flag('open')
    const late = flags.flag('late')
    const flagged = flags.flag('flagged')
    const forked = flags.flag('forked')
    const labelled = flags.flag('labelled')
    const via = fields.optional('via', 32)
    return {
      headerBytes,
      signature,
      reason,
      open,
      pending,
      arrival,
      late,
      flagged,
      forked,
      labelled,
      via,
    }
  },
}

export interface InConversation {
  readonly conversation: Bytes32
}

/** Bodies, by conversation and id: removing the row destroys the body. */
export const bodyTable: Table<InConversation & { readonly id: Bytes32 }, EntryBody> = {
  name: 'log-body',
  sealing: 'value',
  place: ({ conversation, id }) => ({ owner: conversation, order: id }),
  encode: (body) => encodeCbor([body.salt, body.bytes]),
  decode: (bytes) => {
    const fields = read(bytes, 'log-body')
    return { salt: fields.bytes('salt', 16), bytes: fields.bytes('body', 0, ROW_MAX_BYTES) }
  },
}

function orderTable(name: string): Table<InConversation & EntryRef, Uint8Array> {
  return {
    name,
    sealing: 'value',
    place: (key) => ({ owner: key.conversation, order: orderKey(key) }),
    encode: (author) => encodeCbor([author]),
    decode: (bytes) => read(bytes, name).bytes('author', 0, 32),
  }
}

/** Closed entries by (lamport, id); the value is the author. */
export const orderIndex: Table<InConversation & EntryRef, Uint8Array> = orderTable('log-order')
/** Open entries by (lamport, id). */
export const openIndex: Table<InConversation & EntryRef, Uint8Array> = orderTable('log-open')
/** Closed entries that no closed entry cites; `""` for a root whose author is not known. */
export const headIndex: Table<InConversation & EntryRef, Uint8Array> = orderTable('log-head')

export interface ArrivalRow {
  readonly id: Bytes32
  readonly author: Bytes32
  readonly n: number
  readonly mine: boolean
}

/** Entries by arrival number. */
export const arrivalIndex: Table<InConversation & { readonly arrival: number }, ArrivalRow> = {
  name: 'log-arrival',
  sealing: 'value',
  place: ({ conversation, arrival }) => ({ owner: conversation, order: u64(arrival) }),
  encode: (row) => encodeCbor([row.id, row.author, row.n, row.mine ? 1 : 0]),
  decode: (bytes) => {
    const fields = read(bytes, 'log-arrival')
    return {
      id: fields.bytes('id', 32),
      author: fields.bytes('author', 32),
      n: fields.uint('n'),
      mine: fields.flag('mine'),
    }
  },
}

export interface ByAuthor extends InConversation {
  readonly author: Bytes32
}

export function authorOwner(key: ByAuthor): Uint8Array<ArrayBuffer> {
  return concat(key.conversation, key.author)
}

export interface NumberRow {
  /** Entries held with this number: one, unless its author forked. */
  readonly ids: readonly Bytes32[]
  /** How often a further sibling was not kept. */
  readonly dropped: number
}

/** Ids by author and number. */
export const numberIndex: Table<ByAuthor & { readonly n: number }, NumberRow> = {
  name: 'log-number',
  sealing: 'value',
  place: (key) => ({ owner: authorOwner(key), order: u64(key.n) }),
  encode: (row) => encodeCbor([row.ids, row.dropped]),
  decode: (bytes) => {
    const fields = read(bytes, 'log-number')
    const ids = fields.array('ids', 0, ROW_MAX_BYTES).map((id) => id as Uint8Array)
    return { ids, dropped: fields.uint('dropped') }
  },
}

export interface WaitRow {
  /** What the waiting entry says of the missing one. */
  readonly lamport: number
  readonly author: Bytes32
  readonly n: number
  /** Whether it is its prev. */
  readonly prev: boolean
}

/** Entries that wait for an id to be closed, by that id. */
export const waitTable: Table<
  InConversation & { readonly missing: Bytes32; readonly waiter: Bytes32 },
  WaitRow
> = {
  name: 'log-wait',
  sealing: 'value',
  place: (key) => ({ owner: concat(key.conversation, key.missing), order: key.waiter }),
  encode: (row) => encodeCbor([row.lamport, row.author, row.n, row.prev ? 1 : 0]),
  decode: (bytes) => {
    const fields = read(bytes, 'log-wait')
    return {
      lamport: fields.uint('lamport'),
      author: fields.bytes('author', 32),
      n: fields.uint('n'),
      prev: fields.flag('prev'),
    }
  },
}

/** Ids that count as closed without being held: a base's, and those given up. Value: lamport. */
export const rootTable: Table<InConversation & { readonly id: Bytes32 }, number> = {
  name: 'log-root',
  sealing: 'value',
  place: ({ conversation, id }) => ({ owner: conversation, order: id }),
  encode: (lamport) => encodeCbor([lamport]),
  decode: (bytes) => read(bytes, 'log-root').uint('lamport'),
}

export interface ProofRow {
  /** fork: two entries with one author and number; contradiction: the second refutes the first. */
  readonly kind: 'fork' | 'contradiction'
  readonly first: Bytes32
  readonly second: Bytes32
}

/** Proofs against authors, in the order found; the headers they rest on live for ever. */
export const proofTable: Table<InConversation & { readonly at: number }, ProofRow> = {
  name: 'log-proof',
  sealing: 'value',
  place: ({ conversation, at }) => ({ owner: conversation, order: u64(at) }),
  encode: (row) => encodeCbor([row.kind === 'fork' ? 0 : 1, row.first, row.second]),
  decode: (bytes) => {
    const fields = read(bytes, 'log-proof')
    const kind = fields.flag('kind') ? 'contradiction' : 'fork'
    return { kind, first: fields.bytes('first', 32), second: fields.bytes('second', 32) }
  },
}

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
  /** Numbers that nobody has any more. */
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
    const fields = read(bytes, 'log-author')
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
  place: ({ conversation, index }) => ({ owner: conversation, order: u64(index) }),
  encode: (author) => encodeCbor([author]),
  decode: (bytes) => read(bytes, 'log-authors').bytes('author', 32),
}

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
    const fields = read(bytes, 'log-conv')
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
