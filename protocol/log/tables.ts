// What a log is kept in (SPEC.md §8, §11). Headers live for ever in log-entry; bodies lie apart, so
// that they can be destroyed; the rest are indexes over them. Nothing here names anybody in an order.
import { type Bytes32, concat, EMPTY, encodeCbor, readU64, u64 } from '../../crypto/index.ts'
import type { Table } from '../step.ts'
import type { EntryBody } from './entry.ts'
import type { EntryRef } from './header.ts'
import {
  authorOwner,
  type ByAuthor,
  type InConversation,
  readRow,
  ROW_MAX_BYTES,
} from './row-codec.ts'

/** Where an entry stands in a conversation's order: u64 lamport ‖ id. */
export function orderKey(ref: EntryRef): Uint8Array<ArrayBuffer> {
  return concat(u64(ref.lamport), ref.id)
}

/** The entry at an order key. */
export function orderRef(order: Uint8Array): EntryRef {
  const lamport = readU64(order, 0)
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
  /** Wall clock at arrival, Unix ms: for display. */
  readonly arrivedAtMs: number
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
      row.arrivedAtMs,
      [row.open, row.late, row.flagged, row.forked, row.labelled].map(Number),
      row.via ?? EMPTY,
    ]),
  decode: (bytes) => {
    const fields = readRow(bytes, 'log-entry')
    const headerBytes = fields.bytes('header', 1, ROW_MAX_BYTES)
    const signature = fields.optional('sig', 64)
    const reason = fields.uint('reason')
    const pending = fields.uint('pending')
    const arrival = fields.uint('arrival')
    const arrivedAtMs = fields.uint('arrivedAt')
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
      arrivedAtMs,
      late,
      flagged,
      forked,
      labelled,
      via,
    }
  },
}

/** Bodies, by conversation and id: removing the row destroys the body. */
export const bodyTable: Table<InConversation & { readonly id: Bytes32 }, EntryBody> = {
  name: 'log-body',
  sealing: 'value',
  place: ({ conversation, id }) => ({ owner: conversation, order: id }),
  encode: (body) => encodeCbor([body.salt, body.bytes]),
  decode: (bytes) => {
    const fields = readRow(bytes, 'log-body')
    return { salt: fields.bytes('salt', 16), bytes: fields.bytes('body', 0, ROW_MAX_BYTES) }
  },
}

/** Entries that were here and of which the disk lost the header or the body; the value is the author. */
export const lostEntries: Table<InConversation & { readonly id: Bytes32 }, Bytes32> = {
  name: 'log-lost',
  sealing: 'value',
  rows: 'rare',
  place: ({ conversation, id }) => ({ owner: conversation, order: id }),
  encode: (author) => encodeCbor([author]),
  decode: (bytes) => readRow(bytes, 'log-lost').bytes('author', 32),
}

function orderTable(name: string): Table<InConversation & EntryRef, Uint8Array> {
  return {
    name,
    sealing: 'value',
    place: (key) => ({ owner: key.conversation, order: orderKey(key) }),
    encode: (author) => encodeCbor([author]),
    decode: (bytes) => readRow(bytes, name).bytes('author', 0, 32),
  }
}

/** Closed entries by (lamport, id); the value is the author. */
export const orderIndex: Table<InConversation & EntryRef, Uint8Array> = orderTable('log-order')
/** Open entries by (lamport, id). */
export const openIndex: Table<InConversation & EntryRef, Uint8Array> = orderTable('log-open')
/** Closed entries that no closed entry cites; `""` for a root whose author is not known. */
export const headIndex: Table<InConversation & EntryRef, Uint8Array> = {
  ...orderTable('log-head'),
  rows: 'few',
}

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
    const fields = readRow(bytes, 'log-arrival')
    return {
      id: fields.bytes('id', 32),
      author: fields.bytes('author', 32),
      n: fields.uint('n'),
      mine: fields.flag('mine'),
    }
  },
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
    const fields = readRow(bytes, 'log-number')
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
  rows: 'rare',
  place: (key) => ({ owner: concat(key.conversation, key.missing), order: key.waiter }),
  encode: (row) => encodeCbor([row.lamport, row.author, row.n, row.prev ? 1 : 0]),
  decode: (bytes) => {
    const fields = readRow(bytes, 'log-wait')
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
  decode: (bytes) => readRow(bytes, 'log-root').uint('lamport'),
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
    const fields = readRow(bytes, 'log-proof')
    const kind = fields.flag('kind') ? 'contradiction' : 'fork'
    return { kind, first: fields.bytes('first', 32), second: fields.bytes('second', 32) }
  },
}
