// What is held of each author, and what is missing (SPEC.md §8, §10). Numbers have no hole at their
// author, so a hole here is a gap; only the author's own entries and receipts can declare one.
import { type Bytes32, u64 } from '../../crypto/index.ts'
import type { ForkPoint } from '../content/frontier.ts'
import { FRONTIER_AUTHORS_MAX, FRONTIER_HEADS_MAX } from '../limits.ts'
import { get, range, type Step, type Turn } from '../step.ts'
import type { EntryHeader, EntryRef } from './header.ts'
import {
  absorbRanges,
  addToRanges,
  intersectRanges,
  type NumberRange,
  rangesHave,
  subtractRanges,
  uniteRanges,
} from './ranges.ts'
import { authorIndex, type AuthorRow, authorTable } from './author-table.ts'
import { headIndex, numberIndex, orderRef } from './tables.ts'
import {
  authorOf,
  heldIn,
  openWorking,
  saveWorking,
  setAuthor,
  walk,
  type Working,
} from './working.ts'

/** What is held of one author. */
export interface AuthorFrontier {
  readonly author: Bytes32
  /** Entries 1..n are held, counted from the base. */
  readonly n: number
  /** Entry n; undefined iff n = 0. */
  readonly last: EntryRef | undefined
  /** Entries held above n + 1. */
  readonly held: readonly NumberRange[]
  /** Numbers above n that are known of and not held, whether or not somebody still has them. */
  readonly missing: readonly NumberRange[]
  /** The highest number known of. */
  readonly headN: number
  /** Entries 1..readN were seen by the user; at most n. */
  readonly readN: number
  /** At or below it nothing is missing; 0: from the start. */
  readonly baseN: number
  readonly forks: readonly ForkPoint[]
}

export interface ConversationFrontier {
  readonly authors: readonly AuthorFrontier[]
  /** Closed entries that no closed entry cites, highest first, at most 256. */
  readonly heads: readonly EntryRef[]
  /** Where to go on, if there are more authors than one statement holds. */
  readonly next: number | undefined
}

/** Numbers of an author that are missing: a gap, or for ever gone. */
export interface Gap {
  readonly author: Bytes32
  readonly from: number
  readonly to: number
  /** Nobody asked has it any more. */
  readonly irretrievable: boolean
}

function highestKnown(row: AuthorRow): number {
  const last = row.above[row.above.length - 1]
  return Math.max(row.n, row.headN, last === undefined ? 0 : last[1])
}

/** Numbers above n that are known of and not held. */
export function missingOf(row: AuthorRow): readonly NumberRange[] {
  const top = highestKnown(row)
  return top === row.n ? [] : subtractRanges([[row.n + 1, top]], row.above)
}

function frontierOf(row: AuthorRow): AuthorFrontier {
  const { author, n, last, baseN, forks } = row
  const readN = Math.min(n, absorbRanges(baseN, row.seen).n)
  const missing = missingOf(row)
  return {
    author,
    n,
    last,
    held: row.above,
    missing,
    headN: highestKnown(row),
    readN,
    baseN,
    forks,
  }
}

/** What is held of one author; undefined where nothing of it is known. */
export function* authorFrontier(
  _turn: Turn,
  conversation: Bytes32,
  author: Bytes32,
): Step<AuthorFrontier | undefined> {
  const row = yield* get(authorTable, { conversation, author })
  return row === undefined ? undefined : frontierOf(row)
}

/** What is held of a conversation: at most 256 authors, from the `from`th that was met. */
export function* conversationFrontier(
  _turn: Turn,
  conversation: Bytes32,
  from = 0,
): Step<ConversationFrontier> {
  const authors: AuthorFrontier[] = []
  const limit = FRONTIER_AUTHORS_MAX
  const met = yield* range(authorIndex, { owner: conversation, from: u64(from), limit })
  for (const { value: author } of met) {
    const row = yield* get(authorTable, { conversation, author })
    if (row !== undefined) authors.push(frontierOf(row))
  }
  const query = { owner: conversation, limit: FRONTIER_HEADS_MAX, reverse: true }
  const heads = (yield* range(headIndex, query)).map(({ order }) => orderRef(order))
  const next = met.length < limit ? undefined : from + met.length
  return { authors, heads, next }
}

/** All gaps of a conversation, by author in the order they were met. */
export function* gapsOf(_turn: Turn, conversation: Bytes32): Step<readonly Gap[]> {
  const gaps: Gap[] = []
  for (const { value: author } of yield* walk(authorIndex, conversation)) {
    const row = yield* get(authorTable, { conversation, author })
    if (row === undefined) continue
    const missing = missingOf(row)
    const wanted = subtractRanges(missing, row.lost)
    const gone = subtractRanges(missing, wanted)
    gaps.push(...wanted.map(([from, to]) => ({ author, from, to, irretrievable: false })))
    gaps.push(...gone.map(([from, to]) => ({ author, from, to, irretrievable: true })))
  }
  return gaps
}

/**
 * An author said, in a receipt of its own, how many entries it has written: names the loss of a
 * tail. Returns what is missing of it now. Never to be called on what others say of it.
 */
export function* noteHead(
  turn: Turn,
  conversation: Bytes32,
  author: Bytes32,
  headN: number,
): Step<readonly NumberRange[]> {
  const known = yield* get(authorTable, { conversation, author })
  if (known === undefined ? headN === 0 : highestKnown(known) >= headN) {
    return known === undefined ? [] : missingOf(known)
  }
  const working = yield* openWorking(conversation)
  const row = yield* authorOf(working, author)
  announceGap(turn, conversation, author, [highestKnown(row) + 1, headN])
  const risen = { ...row, headN }
  setAuthor(working, risen)
  saveWorking(turn, working)
  return missingOf(risen)
}

/** Numbers that nobody has, as all who may have them said: named as irretrievable. */
export function* markLost(
  turn: Turn,
  conversation: Bytes32,
  author: Bytes32,
  lost: NumberRange,
): Step<void> {
  const row = yield* get(authorTable, { conversation, author })
  if (row === undefined) return
  // Only what is missing can be lost, and it is told once.
  const fresh = subtractRanges(intersectRanges(missingOf(row), lost), row.lost)
  if (fresh.length === 0) return
  turn.put(authorTable, { conversation, author }, { ...row, lost: uniteRanges(row.lost, fresh) })
  for (const [from, to] of fresh) {
    turn.change({ kind: 'irretrievable', conversation, author, from, to })
  }
}

/** Counts an accepted entry's number, and tells of the gap it opens or fills. */
export function* countNumber(
  turn: Turn,
  working: Working,
  id: Bytes32,
  header: EntryHeader,
): Step<void> {
  const { conversation } = working
  const { n, lamport, author } = header
  const row = yield* authorOf(working, author)
  if (n <= row.n || rangesHave(row.above, n)) return
  const top = highestKnown(row)
  if (n > top + 1) announceGap(turn, conversation, author, [top + 1, n - 1])
  if (n <= top) {
    turn.change({ kind: 'gap', conversation, author, from: n, to: n, missing: false })
  }
  if (n > row.n + 1) {
    setAuthor(working, { ...row, above: addToRanges(row.above, n) })
    return
  }
  const next = absorbRanges(n, row.above)
  const last = next.n === n ? { id, lamport } : yield* firstAt(conversation, author, next.n)
  setAuthor(working, { ...row, n: next.n, above: next.above, last: last ?? row.last })
}

/** The entry that was first accepted with a number. */
export function* firstAt(
  conversation: Bytes32,
  author: Bytes32,
  n: number,
): Step<EntryRef | undefined> {
  const id = (yield* get(numberIndex, { conversation, author, n }))?.ids[0]
  if (id === undefined) return undefined
  const held = yield* heldIn(conversation, id)
  return held === undefined ? undefined : { id, lamport: held.header.lamport }
}

function announceGap(
  turn: Turn,
  conversation: Bytes32,
  author: Bytes32,
  [from, to]: NumberRange,
): void {
  turn.change({ kind: 'gap', conversation, author, from, to, missing: true })
}
