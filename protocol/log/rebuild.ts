// Making a conversation's rows agree with the entries that a damaged disk left (SPEC.md §11): an
// entry that is there has its places in every index, one that is gone has none, and its number is a
// gap, which is asked for again. Own numbers are never given back: somebody may hold what had them.
import { type Bytes32, equalBytes, readU64, toHex } from '../../crypto/index.ts'
import { type Row, type Step, type Turn, get } from '../step.ts'
import { type AuthorRow, authorIndex, authorTable } from './author-table.ts'
import { conversationTable } from './conversation-table.ts'
import { ABSENCE, compareOrder } from './entry.ts'
import type { EntryRef } from './header.ts'
import { missingOf } from './frontier.ts'
import {
  absorbRanges,
  addToRanges,
  type NumberRange,
  rangesHave,
  subtractRanges,
  uniteRanges,
} from './ranges.ts'
import { authorOwner } from './row-codec.ts'
import {
  type ArrivalRow,
  arrivalIndex,
  bodyTable,
  entryTable,
  headIndex,
  lostEntries,
  numberIndex,
  openIndex,
  orderIndex,
  orderRef,
  proofTable,
  rootTable,
} from './tables.ts'
import { EMPTY_CONVERSATION, type HeldEntry, heldIn, newAuthorRow, walk } from './working.ts'

/** What is known of one author while its rows are put in order. */
interface Found {
  readonly author: Bytes32
  /** Entries that are there, by number. */
  readonly entries: Map<number, HeldEntry[]>
  /** Entries that any index tells of and that are gone, by number. */
  readonly gone: Map<number, Bytes32>
}

/** What is gone of a conversation. */
export interface LostOfLog {
  /** Authors, other than this device, of whom something is missing now. */
  readonly lacking: readonly Bytes32[]
  /** Whether entries of one's own are gone that others may have. */
  readonly lacksOwn: boolean
  /** The last entry of one's own cannot be named any more: nothing can follow it. */
  readonly ownLost: boolean
}

/** Puts the rows of a conversation in order. */
export function* rebuildLog(turn: Turn, conversation: Bytes32): Step<LostOfLog> {
  const arrivals = yield* walk(arrivalIndex, conversation)
  const held = yield* heldEntries(conversation, arrivals)
  const found = yield* foundAuthors(conversation, arrivals, held)
  yield* clearPlaces(turn, conversation, arrivals)
  for (const entry of held.values()) yield* putPlaces(turn, conversation, entry)
  const rebuilt: Rebuilt[] = []
  for (const one of found) rebuilt.push(yield* rebuildAuthor(turn, conversation, one))
  const authors = rebuilt.map(({ row }, index) => ({ ...row, index }))
  for (const row of authors) {
    turn.put(authorTable, { conversation, author: row.author }, row)
    turn.put(authorIndex, { conversation, index: row.index }, row.author)
  }
  yield* rebuildConversation(turn, conversation, arrivals, held, authors)
  const lacks = rebuilt.filter((one) => one.lacks).map(({ row }) => row.author)
  const isMine = (author: Bytes32): boolean => equalBytes(author, turn.self.device)
  const lacking = lacks.filter((author) => !isMine(author))
  return { lacking, lacksOwn: lacks.some(isMine), ownLost: rebuilt.some(({ ownLost }) => ownLost) }
}

/** Every entry that any index leads to and that is there. */
function* heldEntries(
  conversation: Bytes32,
  arrivals: readonly Row<ArrivalRow>[],
): Step<ReadonlyMap<string, HeldEntry>> {
  const held = new Map<string, HeldEntry>()
  const ordered = yield* walk(orderIndex, conversation)
  const open = yield* walk(openIndex, conversation)
  const ids = [
    ...arrivals.map(({ value }) => value.id),
    ...[...ordered, ...open].map(({ order }) => orderRef(order).id),
  ]
  for (const id of ids) {
    if (held.has(toHex(id))) continue
    const entry = yield* heldIn(conversation, id)
    if (entry !== undefined) held.set(toHex(id), entry)
  }
  return held
}

/** The authors in the order they were met, with what is there of each. */
function* foundAuthors(
  conversation: Bytes32,
  arrivals: readonly Row<ArrivalRow>[],
  held: ReadonlyMap<string, HeldEntry>,
): Step<readonly Found[]> {
  const found = new Map<string, Found>()
  const of = (author: Bytes32): Found => {
    const before = found.get(toHex(author))
    if (before !== undefined) return before
    const entries = new Map<number, HeldEntry[]>()
    const fresh = { author, entries, gone: new Map<number, Bytes32>() }
    found.set(toHex(author), fresh)
    return fresh
  }
  for (const { value: author } of yield* walk(authorIndex, conversation)) of(author)
  for (const { value } of arrivals) {
    if (!held.has(toHex(value.id))) of(value.author).gone.set(value.n, value.id)
  }
  for (const entry of held.values()) {
    const { author, n } = entry.header
    const { entries } = of(author)
    entries.set(n, [...(entries.get(n) ?? []), entry])
  }
  return [...found.values()]
}

/** Places of entries that are gone. */
function* clearPlaces(
  turn: Turn,
  conversation: Bytes32,
  arrivals: readonly Row<ArrivalRow>[],
): Step<void> {
  for (const { order, value } of arrivals) {
    if ((yield* heldIn(conversation, value.id)) !== undefined) continue
    turn.remove(arrivalIndex, { conversation, arrival: readU64(order, 0) })
  }
  for (const table of [orderIndex, openIndex]) {
    for (const { order } of yield* walk(table, conversation)) {
      const ref = orderRef(order)
      const entry = yield* heldIn(conversation, ref.id)
      if (entry === undefined) turn.remove(table, { conversation, ...ref })
    }
  }
  for (const { order } of yield* walk(headIndex, conversation)) {
    const ref = orderRef(order)
    const isThere = (yield* heldIn(conversation, ref.id)) !== undefined
    const isRoot = (yield* get(rootTable, { conversation, id: ref.id })) !== undefined
    if (!isThere && !isRoot) turn.remove(headIndex, { conversation, ...ref })
  }
}

/** An entry's place in the order and among the arrivals; a body that is gone is named and asked for. */
function* putPlaces(turn: Turn, conversation: Bytes32, entry: HeldEntry): Step<void> {
  const { id, row, header } = entry
  const { author, n, lamport } = header
  turn.put(row.open ? openIndex : orderIndex, { conversation, id, lamport }, author)
  const mine = equalBytes(author, turn.self.device)
  turn.put(arrivalIndex, { conversation, arrival: row.arrival }, { id, author, n, mine })
  if (row.reason !== 0 || (yield* get(bodyTable, { conversation, id })) !== undefined) return
  turn.put(entryTable, id, { ...row, reason: ABSENCE.notHeld })
  turn.put(lostEntries, { conversation, id }, author)
}

interface Rebuilt {
  readonly row: AuthorRow
  readonly lacks: boolean
  readonly ownLost: boolean
}

function* rebuildAuthor(turn: Turn, conversation: Bytes32, found: Found): Step<Rebuilt> {
  const { author, entries, gone } = found
  const mine = equalBytes(author, turn.self.device)
  const row = (yield* get(authorTable, { conversation, author })) ?? newAuthorRow(author, 0)
  const dropped = yield* clearNumbers(turn, conversation, found)
  const told = [...gone.keys(), ...entries.keys()]
  const known = Math.max(row.headN, row.n, ...row.above.map(([, to]) => to), ...told)
  for (const [n, id] of mine ? gone : []) {
    // Its number is known to be ours, so it is taken back from whoever has it.
    if (entries.has(n)) continue
    turn.put(numberIndex, { conversation, author, n }, { ids: [id], dropped: 0 })
    turn.put(lostEntries, { conversation, id }, author)
  }
  let numbers: readonly NumberRange[] = []
  let lacks = false
  for (const n of [...entries.keys()].sort((a, b) => a - b)) {
    const ids = (entries.get(n) ?? []).map(({ id }) => id)
    const key = { conversation, author, n }
    turn.put(numberIndex, key, { ids, dropped: dropped.get(n) ?? 0 })
    if (n > row.baseN) numbers = addToRanges(numbers, n)
    for (const id of ids) lacks ||= (yield* get(lostEntries, { conversation, id })) !== undefined
  }
  // Another one's hole is a gap again. One's own stays counted: its number is not to be used twice.
  const { n, above } = absorbRanges(row.baseN, mine && known > 0 ? [[1, known]] : numbers)
  const held = entries.get(n)?.[0]
  const before = n === row.baseN ? row.baseRef : mine ? row.last : undefined
  const last = held === undefined ? before : refOf(held)
  const all = [...entries.values()].flat()
  const open = all.filter((entry) => entry.row.open).length
  const named = mine ? subtractRanges(known > 0 ? [[1, known]] : [], numbers) : []
  const lost = uniteRanges(row.lost, named)
  const rebuilt = { ...row, n, above, last, headN: known, open, lost }
  const missing = subtractRanges(missingOf(rebuilt), lost)
  return {
    row: rebuilt,
    lacks: lacks || missing.length > 0 || (mine && gone.size > 0),
    ownLost: mine && n > 0 && last === undefined,
  }
}

/** Numbers under which nothing is left, noted as gone; how many siblings the others did not keep. */
function* clearNumbers(
  turn: Turn,
  conversation: Bytes32,
  { author, entries, gone }: Found,
): Step<ReadonlyMap<number, number>> {
  const dropped = new Map<number, number>()
  for (const { order, value } of yield* walk(numberIndex, authorOwner({ conversation, author }))) {
    const n = readU64(order, 0)
    dropped.set(n, value.dropped)
    if (entries.has(n)) continue
    turn.remove(numberIndex, { conversation, author, n })
    const [id] = value.ids
    if (id !== undefined) gone.set(n, id)
  }
  return dropped
}

/** The conversation's own row: counted anew, but for what only it knows. */
function* rebuildConversation(
  turn: Turn,
  conversation: Bytes32,
  arrivals: readonly Row<ArrivalRow>[],
  held: ReadonlyMap<string, HeldEntry>,
  authors: readonly AuthorRow[],
): Step<void> {
  const stored = yield* get(conversationTable, conversation)
  const all = [...held.values()]
  const closed = all.filter(({ row }) => !row.open).map(refOf)
  const proofs = (yield* walk(proofTable, conversation)).at(-1)
  const isSeen = ({ header: { author, n } }: HeldEntry): boolean => {
    const row = authors.find((one) => equalBytes(one.author, author))
    return equalBytes(author, turn.self.device) || (row !== undefined && rangesHave(row.seen, n))
  }
  const last = arrivals.at(-1)
  const given = [0, ...all.map((entry) => entry.row.arrival)]
  const highest = Math.max(last === undefined ? 0 : readU64(last.order, 0), ...given)
  const unseen = all.filter((entry) => !isSeen(entry)).map((entry) => entry.row.arrival)
  const position = stored?.position ?? Math.min(highest, ...unseen.map((arrival) => arrival - 1))
  const row = stored ?? {
    ...EMPTY_CONVERSATION,
    proofs: proofs === undefined ? 0 : readU64(proofs.order, 0) + 1,
    roots: (yield* walk(rootTable, conversation)).length,
    seenTop: highestOf(all.filter((entry) => entry.row.arrival <= position).map(refOf)),
  }
  const above = all.filter((entry) => entry.row.arrival > position)
  turn.put(conversationTable, conversation, {
    ...row,
    arrivals: Math.max(row.arrivals, highest),
    authors: authors.length,
    open: all.length - closed.length,
    top: highestOf(row.top === undefined ? closed : [...closed, row.top]),
    position,
    unread: above.filter(({ header }) => !equalBytes(header.author, turn.self.device)).length,
  })
}

function refOf({ id, header }: HeldEntry): EntryRef {
  return { id, lamport: header.lamport }
}

function highestOf(refs: readonly EntryRef[]): EntryRef | undefined {
  return refs.reduce<EntryRef | undefined>(
    (best, ref) => (best === undefined || compareOrder(ref, best) > 0 ? ref : best),
    undefined,
  )
}
