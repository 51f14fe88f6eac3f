// Accepting an entry from outside (SPEC.md §8, §10): who brought it, whether it is known, whether it
// is a fork, whether it is closed; then one set of rows. Accepting it again changes nothing.
import { type Bytes32, concat, equalBytes, toHex, verify } from '../../crypto/index.ts'
import { entryKindIsKnown } from '../content/entry-content.ts'
import {
  FORK_BODIES_MAX,
  FORK_HEADERS_MAX,
  FRONTIER_FORKS_MAX,
  OPEN_PER_AUTHOR_DIRECT_MAX,
  OPEN_PER_AUTHOR_MAX,
  OPEN_PER_CONVERSATION_MAX,
  OPEN_RESERVED_PER_AUTHOR,
} from '../limits.ts'
import { get, type Step, type Turn } from '../step.ts'
import {
  type Citations,
  closeEntries,
  flagContradictions,
  inspectCitations,
  isBelowBase,
  isRoot,
  placeEntry,
} from './closure.ts'
import { ABSENCE, type Entry, tryRestoreEntry, type WireEntry } from './entry.ts'
import { countNumber } from './frontier.ts'
import { type EntrySource, type Standing, standingOf } from './source.ts'
import { type AuthorRow } from './author-table.ts'
import {
  arrivalIndex,
  bodyTable,
  type EntryRow,
  entryTable,
  lostEntries,
  numberIndex,
  type NumberRow,
  openIndex,
  waitTable,
} from './tables.ts'
import {
  addProof,
  authorOf,
  type HeldEntry,
  heldIn,
  openWorking,
  saveWorking,
  setAuthor,
  walk,
  type Working,
} from './working.ts'

/** What was taken into the log. */
export interface AcceptedEntry {
  readonly id: Bytes32
  readonly author: Bytes32
  readonly n: number
  readonly lamport: number
  /** Its arrival number on this device. */
  readonly arrival: number
  readonly open: boolean
  /** It landed above what was already seen. */
  readonly late: boolean
  /** It contradicts an entry that it cites. */
  readonly flagged: boolean
  /** Cited ids that are not held: worth asking for. */
  readonly missing: readonly Bytes32[]
  /** Entries that became closed by it, itself included where it is. */
  readonly closed: readonly Bytes32[]
}

/** Why an entry was not taken: nothing was written. */
export type RefusalReason =
  | 'malformed' // something is elided that its carrier does not say, or signed without an operation
  | 'conversation' // it belongs to another conversation
  | 'author' // this source may not hand on entries of this author
  | 'signature' // its signature does not hold

export type Acceptance =
  | ({ readonly kind: 'closed' | 'open' } & AcceptedEntry)
  | ({ readonly kind: 'fork'; readonly siblings: readonly Bytes32[] } & AcceptedEntry)
  /** Held already; `healed`: its body was missing and is here now. */
  | { readonly kind: 'duplicate'; readonly id: Bytes32; readonly healed: boolean }
  | { readonly kind: 'refused'; readonly reason: RefusalReason }
  /** Not kept: it may come again when there is room. */
  | {
      readonly kind: 'beyondLimit'
      readonly id: Bytes32
      readonly limit: 'forks' | 'openPerAuthor' | 'openPerConversation'
    }

export interface AcceptRequest {
  readonly conversation: Bytes32
  readonly entry: WireEntry
  readonly source: EntrySource
}

export function* acceptEntry(turn: Turn, request: AcceptRequest): Step<Acceptance> {
  const { conversation, source } = request
  const entry = restoreFrom(turn, request)
  if (entry === undefined) return { kind: 'refused', reason: 'malformed' }
  const { id, header, signature } = entry
  if (!equalBytes(header.conversation, conversation)) {
    return { kind: 'refused', reason: 'conversation' }
  }
  const number = yield* get(numberIndex, { conversation, author: header.author, n: header.n })
  if (number?.ids.some((held) => equalBytes(held, id))) {
    return yield* repeatEntry(turn, entry, number)
  }
  const standing = standingOf(source, header.author, turn.self.device)
  if (standing === 'no') return { kind: 'refused', reason: 'author' }
  const signed =
    signature !== undefined && verify(turn.crypto, header.author, 'group-entry', id, signature)
  if (!signed && (standing === 'signed' || signature !== undefined)) {
    return { kind: 'refused', reason: 'signature' }
  }
  if (standing === 'cited' && !(yield* isPrevOfHeld(entry))) {
    return { kind: 'refused', reason: 'author' }
  }
  const via = standing === 'via' && source.kind === 'session' ? source.device : undefined
  return yield* admitEntry(turn, entry, { number, standing, via })
}

/** The entry with what its source says put back; undefined where the source cannot say it. */
function restoreFrom(turn: Turn, request: AcceptRequest): Entry | undefined {
  const { conversation, entry, source } = request
  const { author, op } =
    source.kind === 'session' ? { author: source.device, op: undefined } : source
  return tryRestoreEntry(turn.crypto, entry, {
    conversation,
    ...(author === undefined ? {} : { author }),
    ...(op === undefined ? {} : { op }),
  })
}

/** A known entry again: it may bring the body that was not held, or all of it where the disk lost it. */
function* repeatEntry(turn: Turn, entry: Entry, number: NumberRow): Step<Acceptance> {
  const { id, body } = entry
  const row = yield* get(entryTable, id)
  if (row === undefined) {
    // Its id is the hash of what came: whoever brings it, it is what was here.
    const ids = number.ids.filter((held) => !equalBytes(held, id))
    const siblings = { ...number, ids }
    yield* forgetLost(turn, entry.header.conversation, id)
    return yield* admitEntry(turn, entry, { number: siblings, standing: 'direct', via: undefined })
  }
  if (row.reason !== ABSENCE.notHeld || typeof body === 'number') {
    return { kind: 'duplicate', id, healed: false }
  }
  // Bodies of a forker's further siblings stay away: that is what the limit is for.
  const { conversation, author, n } = entry.header
  const siblings = (yield* get(numberIndex, { conversation, author, n }))?.ids ?? []
  let bodies = 0
  for (const sibling of siblings) if ((yield* get(entryTable, sibling))?.reason === 0) bodies++
  if (bodies >= FORK_BODIES_MAX) return { kind: 'duplicate', id, healed: false }
  turn.put(bodyTable, { conversation, id }, body)
  turn.put(entryTable, id, { ...row, reason: 0 })
  yield* forgetLost(turn, conversation, id)
  turn.change({ kind: 'body', conversation, entry: id })
  return { kind: 'duplicate', id, healed: true }
}

function* forgetLost(turn: Turn, conversation: Bytes32, id: Bytes32): Step<void> {
  const key = { conversation, id }
  if ((yield* get(lostEntries, key)) !== undefined) turn.remove(lostEntries, key)
}

/** Whether an accepted entry of the same author names this one as its prev. */
function* isPrevOfHeld({ id, header }: Entry): Step<boolean> {
  const { conversation, author } = header
  const next = yield* get(numberIndex, { conversation, author, n: header.n + 1 })
  for (const other of next?.ids ?? []) {
    const held = yield* heldIn(conversation, other)
    if (held?.header.prev !== undefined && equalBytes(held.header.prev.id, id)) return true
  }
  return false
}

interface Admission {
  readonly number: NumberRow | undefined
  readonly standing: Standing
  readonly via: Bytes32 | undefined
}

function* admitEntry(turn: Turn, entry: Entry, admission: Admission): Step<Acceptance> {
  const { id, header } = entry
  const { conversation } = header
  const working = yield* openWorking(conversation)
  const author = yield* authorOf(working, header.author)
  const siblings = admission.number?.ids ?? []
  if (siblings.length >= FORK_HEADERS_MAX && !(yield* isCitedByAnother(entry))) {
    countDropped(turn, entry, admission.number)
    return { kind: 'beyondLimit', id, limit: 'forks' }
  }
  const ref = { id, lamport: header.lamport }
  const citations = yield* inspectCitations(working, header)
  const rooted = isBelowBase(author, header) || (yield* isRoot(working, ref))
  const open = citations.pending > 0 && !rooted
  const limit = open ? openLimit(working, author, entry.header.op !== undefined) : undefined
  if (limit !== undefined) return { kind: 'beyondLimit', id, limit }

  const held = writeEntry(turn, working, entry, { ...admission, citations, open })
  yield* countNumber(turn, working, id, header)
  if (siblings.length > 0) yield* markFork(turn, working, held, siblings)
  const waiting = yield* flagContradictions(turn, working, id, header)
  for (const second of citations.contradicted) {
    addProof(turn, working, { kind: 'contradiction', first: id, second })
    turn.change({ kind: 'contradiction', conversation, entry: id })
  }
  const closed = open ? [] : yield* closeAccepted(turn, working, held, waiting)
  const late = closed[0]?.row.late ?? false
  const { arrival, flagged } = held.row
  const mine = equalBytes(header.author, turn.self.device)
  turn.change({ kind: 'message', conversation, entry: id, mine, arrival, open, late })
  saveWorking(turn, working)
  const accepted = {
    ...ref,
    author: header.author,
    n: header.n,
    arrival,
    open,
    late,
    flagged,
    missing: citations.missing,
    closed: closed.map((other) => other.id),
  }
  if (siblings.length > 0) return { kind: 'fork', siblings, ...accepted }
  return { kind: open ? 'open' : 'closed', ...accepted }
}

/** Most entries close alone: then nothing needs to be looked for. */
function* closeAccepted(
  turn: Turn,
  working: Working,
  held: HeldEntry,
  waiting: number,
): Step<readonly HeldEntry[]> {
  if (waiting > 0) return yield* closeEntries(turn, working, [held])
  return [yield* placeEntry(turn, working, held)]
}

/** A sibling beyond the limit is kept if somebody else rests on it. */
function* isCitedByAnother({ id, header }: Entry): Step<boolean> {
  const waiting = yield* walk(waitTable, concat(header.conversation, id))
  return waiting.some(({ value }) => !equalBytes(value.author, header.author))
}

function countDropped(turn: Turn, { header }: Entry, number: NumberRow | undefined): void {
  if (number === undefined) return
  const { conversation, author, n } = header
  turn.put(numberIndex, { conversation, author, n }, { ...number, dropped: number.dropped + 1 })
}

/** Which limit an open entry of this author would exceed. Each author's own share comes first. */
function openLimit(
  working: Working,
  author: AuthorRow,
  isGroup: boolean,
): 'openPerAuthor' | 'openPerConversation' | undefined {
  const most = isGroup ? OPEN_PER_AUTHOR_MAX : OPEN_PER_AUTHOR_DIRECT_MAX
  if (author.open >= most) return 'openPerAuthor'
  const full = working.row.open >= OPEN_PER_CONVERSATION_MAX
  return full && author.open >= OPEN_RESERVED_PER_AUTHOR ? 'openPerConversation' : undefined
}

interface Placement extends Admission {
  readonly citations: Citations
  readonly open: boolean
}

/** The rows of a new entry but for its place in the order, which closing gives it. */
function writeEntry(turn: Turn, working: Working, entry: Entry, placement: Placement): HeldEntry {
  const { id, header, headerBytes, body, signature } = entry
  const { conversation, author, n, lamport, kind, version } = header
  const { number, standing, via, citations, open } = placement
  const ids = [...(number?.ids ?? []), id]
  const arrival = working.row.arrivals + 1
  const withBody = typeof body !== 'number' && ids.length <= FORK_BODIES_MAX
  if (withBody) turn.put(bodyTable, { conversation, id }, body)
  const row: EntryRow = {
    headerBytes,
    signature,
    reason: withBody ? 0 : typeof body === 'number' ? body : ABSENCE.notHeld,
    open: false,
    pending: citations.pending,
    arrival,
    arrivedAtMs: turn.nowMs,
    late: false,
    flagged: citations.contradicted.length > 0,
    forked: ids.length > 1,
    labelled: standing === 'labelled',
    via,
  }
  const mine = equalBytes(author, turn.self.device)
  turn.put(arrivalIndex, { conversation, arrival }, { id, author, n, mine })
  turn.put(numberIndex, { conversation, author, n }, { ids, dropped: number?.dropped ?? 0 })
  const unknown = working.row.unknown + (entryKindIsKnown(kind, version) ? 0 : 1)
  const unread = working.row.unread + (mine ? 0 : 1)
  working.row = { ...working.row, arrivals: arrival, unknown, unread }
  if (!open) return { id, row, header }
  turn.put(entryTable, id, { ...row, open })
  turn.put(openIndex, { conversation, id, lamport }, author)
  for (const wait of citations.waits) {
    turn.put(waitTable, { conversation, missing: wait.missing, waiter: id }, wait.row)
  }
  working.row = { ...working.row, open: working.row.open + 1 }
  const before = working.authors.get(toHex(author))
  if (before !== undefined) setAuthor(working, { ...before, open: before.open + 1 })
  return { id, row: { ...row, open }, header }
}

/** All siblings are shown as what they are: two messages where there can be one. */
function* markFork(
  turn: Turn,
  working: Working,
  entry: HeldEntry,
  siblings: readonly Bytes32[],
): Step<void> {
  const { conversation, author: key, n } = entry.header
  const first = siblings[0]
  if (first === undefined) return
  addProof(turn, working, { kind: 'fork', first, second: entry.id })
  turn.change({ kind: 'fork', conversation, author: key, n })
  const author = yield* authorOf(working, key)
  if (author.forks.length < FRONTIER_FORKS_MAX) {
    setAuthor(working, { ...author, forks: [...author.forks, { n, id: entry.id }] })
  }
  const sibling = yield* get(entryTable, first)
  if (sibling !== undefined && !sibling.forked) {
    turn.put(entryTable, first, { ...sibling, forked: true })
  }
}
