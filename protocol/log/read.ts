// Reading a log (SPEC.md §8): in the order all replicas agree on, in the order things arrived here,
// by id, and as it travels.
import { type Bytes32, readU64, u64 } from '../../crypto/index.ts'
import { type EntryContent, readEntryContent } from '../content/entry-content.ts'
import { get, range, type Step, type Turn } from '../step.ts'
import {
  ABSENCE,
  elideEntry,
  type Elision,
  type Entry,
  type EntryBody,
  type WireEntry,
} from './entry.ts'
import type { EntryRef } from './header.ts'
import { conversationTable } from './conversation-table.ts'
import { authorOwner } from './row-codec.ts'
import {
  arrivalIndex,
  bodyTable,
  numberIndex,
  openIndex,
  orderIndex,
  orderKey,
  orderRef,
  type ProofRow,
  proofTable,
} from './tables.ts'
import { type HeldEntry, heldEntry, orderAfter, walk } from './working.ts'

/** An entry as it is shown. */
export interface EntryView {
  readonly id: Bytes32
  readonly conversation: Bytes32
  readonly op: Bytes32 | undefined
  readonly author: Bytes32
  readonly n: number
  readonly lamport: number
  readonly sentAtMs: number
  readonly arrival: number
  /** Wall clock at arrival, Unix ms: for display. */
  readonly arrivedAtMs: number
  readonly content: EntryContent
  /** An ancestor is missing: shown below the others, marked. */
  readonly open: boolean
  readonly late: boolean
  readonly flagged: boolean
  readonly forked: boolean
  readonly labelled: boolean
  readonly via: Bytes32 | undefined
}

export interface OrderedQuery {
  readonly conversation: Bytes32
  /** Entries below this one. */
  readonly before?: EntryRef
  /** Entries above this one. */
  readonly after?: EntryRef
  readonly limit: number
}

/**
 * Closed entries in order, then the open ones among themselves. With `after` the first `limit` above
 * it, else the last `limit` (below `before`). Open ones come along where the end is reached, at most
 * `limit` of them.
 */
export function* readOrdered(_turn: Turn, query: OrderedQuery): Step<readonly EntryView[]> {
  const { conversation, before, after, limit } = query
  const rows = yield* range(orderIndex, {
    owner: conversation,
    limit,
    reverse: after === undefined,
    ...(after === undefined ? {} : { from: orderAfter(orderKey(after)) }),
    ...(before === undefined ? {} : { to: orderKey(before) }),
  })
  const closed = after === undefined ? [...rows].reverse() : rows
  const atEnd = before === undefined && (after === undefined || rows.length < limit)
  const open = atEnd ? yield* range(openIndex, { owner: conversation, limit }) : []
  return yield* viewAll([...closed, ...open].map(({ order }) => orderRef(order).id))
}

export interface ArrivalQuery {
  readonly conversation: Bytes32
  /** 0: from the start. */
  readonly afterArrival: number
  readonly limit: number
}

/** Entries as they arrived, own ones included: for `watch`, notifications and what is unread. */
export function* readArrivals(_turn: Turn, query: ArrivalQuery): Step<readonly EntryView[]> {
  const from = u64(query.afterArrival + 1)
  const { conversation: owner, limit } = query
  const rows = yield* range(arrivalIndex, { owner, from, limit })
  return yield* viewAll(rows.map(({ value }) => value.id))
}

function* viewAll(ids: readonly Bytes32[]): Step<readonly EntryView[]> {
  const views: EntryView[] = []
  for (const id of ids) {
    const held = yield* heldEntry(id)
    if (held !== undefined) views.push(yield* viewOf(held))
  }
  return views
}

function* viewOf(held: HeldEntry): Step<EntryView> {
  const { id, row, header } = held
  const { conversation, op, author, n, lamport, sentAtMs } = header
  const { arrival, arrivedAtMs, open, late, flagged, forked, labelled, via } = row
  const content = readEntryContent(header, yield* bodyOf(held))
  const named = { id, conversation, op, author, n, lamport, sentAtMs }
  return { ...named, arrival, arrivedAtMs, content, open, late, flagged, forked, labelled, via }
}

/** The body, or the number of the reason for its absence. */
function* bodyOf({ id, row, header }: HeldEntry): Step<EntryBody | number> {
  if (row.reason !== 0) return row.reason
  const { conversation } = header
  return (yield* get(bodyTable, { conversation, id })) ?? ABSENCE.notHeld
}

/** One entry as it is shown; undefined where it is not held. */
export function* readEntry(_turn: Turn, id: Bytes32): Step<EntryView | undefined> {
  const held = yield* heldEntry(id)
  return held === undefined ? undefined : yield* viewOf(held)
}

/** One entry as it is held, signature and header bytes included. */
export function* readHeldEntry(_turn: Turn, id: Bytes32): Step<Entry | undefined> {
  const held = yield* heldEntry(id)
  if (held === undefined) return undefined
  const { headerBytes, signature } = held.row
  return { id, header: held.header, headerBytes, body: yield* bodyOf(held), signature }
}

/** One entry as it travels; its body stays out where it is absent, with the reason. */
export function* entryWireForm(
  turn: Turn,
  id: Bytes32,
  options: { readonly elide: Elision },
): Step<WireEntry | undefined> {
  const entry = yield* readHeldEntry(turn, id)
  return entry === undefined ? undefined : elideEntry(entry, options.elide)
}

export interface NumberQuery {
  readonly conversation: Bytes32
  readonly author: Bytes32
  /** Inclusive on both sides. */
  readonly from: number
  readonly to: number
  readonly limit: number
}

/** Ids of an author's entries by number, newest first, siblings together: what sync serves. */
export function* readNumbers(
  _turn: Turn,
  query: NumberQuery,
): Step<readonly { readonly n: number; readonly ids: readonly Bytes32[] }[]> {
  const { limit, from, to } = query
  const owner = authorOwner(query)
  const span = { owner, from: u64(from), to: u64(to + 1), limit, reverse: true }
  return (yield* range(numberIndex, span)).map(({ order, value }) => ({
    n: readU64(order, 0),
    ids: value.ids,
  }))
}

/** What can be counted of a conversation. */
export interface ConversationFacts {
  /** Entries held. */
  readonly entries: number
  readonly open: number
  /** Entries that this build could not show when they came. */
  readonly unknown: number
  /** Entries of others that arrived and were not seen. */
  readonly unread: number
  /** Everything that arrived up to here was seen. */
  readonly position: number
  /** Lamport timestamp and id of the highest closed entry. */
  readonly top: EntryRef | undefined
}

/** Undefined for a conversation without entries. */
export function* conversationFacts(
  _turn: Turn,
  conversation: Bytes32,
): Step<ConversationFacts | undefined> {
  const row = yield* get(conversationTable, conversation)
  if (row === undefined) return undefined
  const { arrivals: entries, open, unknown, unread, position, top } = row
  return { entries, open, unknown, unread, position, top }
}

/** Proofs against authors, in the order they were found. */
export function* proofsOf(_turn: Turn, conversation: Bytes32): Step<readonly ProofRow[]> {
  return (yield* walk(proofTable, conversation)).map(({ value }) => value)
}
