// Closed and open (SPEC.md §8). An entry is closed when everything it cites is closed or a root;
// only closed entries have a place in the order, are cited, and raise our Lamport timestamp. What
// contradicts an entry it cites never closes: so nobody can inflate timestamps by a false pair.
import { type Bytes32, concat, equalBytes, toHex } from '../../crypto/index.ts'
import { get, type Step, type Turn } from '../step.ts'
import { compareOrder } from './entry.ts'
import { citedBy, type EntryHeader, type EntryRef } from './header.ts'
import { addToRanges } from './ranges.ts'
import { type AuthorRow } from './author-table.ts'
import {
  entryTable,
  headIndex,
  openIndex,
  orderIndex,
  rootTable,
  type WaitRow,
  waitTable,
} from './tables.ts'
import {
  addProof,
  authorOf,
  type HeldEntry,
  heldIn,
  setAuthor,
  walk,
  type Working,
} from './working.ts'

/** What an entry's citations amount to, given what is held. */
export interface Citations {
  /** Cited ids that are not closed, contradicted ones included. */
  readonly pending: number
  /** Held entries that refute what this one says of them. */
  readonly contradicted: readonly Bytes32[]
  /** What it waits for. */
  readonly waits: readonly { readonly missing: Bytes32; readonly row: WaitRow }[]
  /** Of these, what is not held at all. */
  readonly missing: readonly Bytes32[]
}

export function* inspectCitations(working: Working, header: EntryHeader): Step<Citations> {
  const { conversation } = working
  const contradicted: Bytes32[] = []
  const waits: { missing: Bytes32; row: WaitRow }[] = []
  const missing: Bytes32[] = []
  for (const ref of citedBy(header)) {
    const { author, n } = header
    const row = { lamport: ref.lamport, author, n, prev: ref === header.prev }
    const held = yield* heldIn(conversation, ref.id)
    if (held !== undefined && refutes(held.header, row)) {
      contradicted.push(ref.id)
      continue
    }
    if (held !== undefined && !held.row.open) continue
    if (yield* isRoot(working, ref)) continue
    waits.push({ missing: ref.id, row })
    if (held === undefined) missing.push(ref.id)
  }
  return { pending: contradicted.length + waits.length, contradicted, waits, missing }
}

/** Whether an entry is not what another says of it. */
export function refutes(cited: EntryHeader, claim: WaitRow): boolean {
  if (cited.lamport !== claim.lamport) return true
  return claim.prev && (cited.n !== claim.n - 1 || !equalBytes(cited.author, claim.author))
}

export function* isRoot(working: Working, ref: EntryRef): Step<boolean> {
  if (working.row.roots === 0) return false
  const { conversation } = working
  return (yield* get(rootTable, { conversation, id: ref.id })) === ref.lamport
}

/**
 * Whether an entry lies at or below its author's base. A Lamport timestamp rises with each entry of
 * its author, so one that is too high for its number is not of that history.
 */
export function isBelowBase(author: AuthorRow, header: EntryHeader): boolean {
  if (author.baseRef === undefined || header.n > author.baseN) return false
  return header.lamport <= author.baseRef.lamport - (author.baseN - header.n)
}

/**
 * Gives entries their place in the order, and all that waited for nothing else. Returns what closed,
 * the first ones included, in the order of closing.
 */
export function* closeEntries(
  turn: Turn,
  working: Working,
  first: readonly HeldEntry[],
): Step<readonly HeldEntry[]> {
  const closed: HeldEntry[] = []
  const ready = [...first]
  const placed = new Set<string>()
  for (let at = 0; at < ready.length; at++) {
    const entry = ready[at]
    // Below a new base an entry is ready by itself, and once more by what it waited for.
    if (entry === undefined || placed.has(toHex(entry.id))) continue
    placed.add(toHex(entry.id))
    closed.push(yield* placeEntry(turn, working, entry))
    const ref = { id: entry.id, lamport: entry.header.lamport }
    ready.push(...(yield* releaseWaiters(turn, working, ref)))
  }
  return closed
}

/** Entries that waited for this one and now wait for nothing. */
export function* releaseWaiters(
  turn: Turn,
  working: Working,
  ref: EntryRef,
): Step<readonly HeldEntry[]> {
  const { conversation } = working
  const ready: HeldEntry[] = []
  for (const { order: id, value } of yield* walk(waitTable, concat(conversation, ref.id))) {
    // A root may have been cited with other timestamps as well: those go on waiting.
    if (value.lamport !== ref.lamport) continue
    turn.remove(waitTable, { conversation, missing: ref.id, waiter: id })
    const waiter = yield* heldIn(conversation, id)
    if (waiter === undefined || !waiter.row.open) continue
    const row = { ...waiter.row, pending: waiter.row.pending - 1 }
    turn.put(entryTable, id, row)
    if (row.pending === 0) ready.push({ ...waiter, row })
  }
  return ready
}

/**
 * Flags the entries that waited for this one and say of it what it refutes. Returns how many go on
 * waiting.
 */
export function* flagContradictions(
  turn: Turn,
  working: Working,
  id: Bytes32,
  header: EntryHeader,
): Step<number> {
  const { conversation } = working
  let waiting = 0
  for (const { order: waiter, value } of yield* walk(waitTable, concat(conversation, id))) {
    if (!refutes(header, value)) {
      waiting++
      continue
    }
    // Its wait row goes and its pending count stays: it never closes.
    turn.remove(waitTable, { conversation, missing: id, waiter })
    const row = yield* get(entryTable, waiter)
    if (row === undefined) continue
    turn.put(entryTable, waiter, { ...row, flagged: true })
    addProof(turn, working, { kind: 'contradiction', first: waiter, second: id })
    turn.change({ kind: 'contradiction', conversation, entry: waiter })
  }
  return waiting
}

/** Gives one closed entry its place: in the order, among the heads, in what was seen. */
export function* placeEntry(turn: Turn, working: Working, entry: HeldEntry): Step<HeldEntry> {
  const { conversation } = working
  const { id, header } = entry
  const ref = { id, lamport: header.lamport }
  const key = { conversation, ...ref }
  let author = yield* authorOf(working, header.author)
  const { seenTop, position } = working.row
  const late = seenTop !== undefined && compareOrder(ref, seenTop) < 0
  const row = { ...entry.row, open: false, pending: 0, late }
  turn.put(entryTable, id, row)
  turn.put(orderIndex, key, header.author)
  if (entry.row.open) {
    turn.remove(openIndex, key)
    turn.change({ kind: 'placed', conversation, entry: id, late })
    working.row = { ...working.row, open: working.row.open - 1 }
    author = { ...author, open: author.open - 1 }
    // It was passed while it had no place: it was seen then.
    if (row.arrival <= position) author = { ...author, seen: addToRanges(author.seen, header.n) }
    setAuthor(working, author)
  }
  // Below a base the base's own heads stand for it, and a root is a head already or was cited.
  if (!isBelowBase(author, header) && !(yield* isRoot(working, ref))) {
    moveHeads(turn, working, ref, header)
  }
  return { id, row, header }
}

function moveHeads(turn: Turn, working: Working, ref: EntryRef, header: EntryHeader): void {
  const { conversation } = working
  for (const cited of citedBy(header)) turn.remove(headIndex, { conversation, ...cited })
  turn.put(headIndex, { conversation, ...ref }, header.author)
  raiseTop(working, ref)
}

/** The highest closed entry or root so far. */
export function raiseTop(working: Working, ref: EntryRef): void {
  const { top } = working.row
  if (top === undefined || compareOrder(ref, top) > 0) working.row = { ...working.row, top: ref }
}
