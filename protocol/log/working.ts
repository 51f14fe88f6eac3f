// One turn's view of a conversation: its rows are read once, changed in memory, written once. So a
// thousand entries that close together cost one write of each author and of the conversation.
import { type Bytes32, equalBytes, toHex } from '../../crypto/index.ts'
import { get, range, type Row, type Step, type Table, type Turn } from '../step.ts'
import { WALK_PAGE_ROWS } from '../limits.ts'
import { type EntryHeader, decodeHeader } from './header.ts'
import { authorIndex, type AuthorRow, authorTable } from './author-table.ts'
import { type ConversationRow, conversationTable } from './conversation-table.ts'
import { type EntryRow, entryTable, type ProofRow, proofTable } from './tables.ts'

/** A conversation of which nothing is known. */
export const EMPTY_CONVERSATION: ConversationRow = {
  arrivals: 0,
  authors: 0,
  open: 0,
  unknown: 0,
  proofs: 0,
  roots: 0,
  top: undefined,
  seenTop: undefined,
  position: 0,
  unread: 0,
}

/** An entry as held: its row, and its header decoded. */
export interface HeldEntry {
  readonly id: Bytes32
  readonly row: EntryRow
  readonly header: EntryHeader
}

/** Mutable on purpose, and for one turn only. */
export interface Working {
  readonly conversation: Bytes32
  row: ConversationRow
  readonly authors: Map<string, AuthorRow>
  /** Authors met for the first time. */
  readonly met: AuthorRow[]
}

export function* openWorking(conversation: Bytes32): Step<Working> {
  const row = (yield* get(conversationTable, conversation)) ?? EMPTY_CONVERSATION
  return { conversation, row, authors: new Map(), met: [] }
}

/** An author's row; a new one where the author is met for the first time. */
export function* authorOf(working: Working, author: Bytes32): Step<AuthorRow> {
  const key = toHex(author)
  const open = working.authors.get(key)
  if (open !== undefined) return open
  const stored = yield* get(authorTable, { conversation: working.conversation, author })
  const row = stored ?? newAuthor(working, author)
  working.authors.set(key, row)
  return row
}

function newAuthor(working: Working, author: Bytes32): AuthorRow {
  const index = working.row.authors
  working.row = { ...working.row, authors: index + 1 }
  const row = newAuthorRow(author, index)
  working.met.push(row)
  return row
}

/** An author of whom nothing is known. */
export function newAuthorRow(author: Bytes32, index: number): AuthorRow {
  return {
    author,
    index,
    n: 0,
    last: undefined,
    above: [],
    headN: 0,
    baseN: 0,
    baseRef: undefined,
    open: 0,
    seen: [],
    lost: [],
    forks: [],
  }
}

export function setAuthor(working: Working, row: AuthorRow): void {
  working.authors.set(toHex(row.author), row)
}

/** Writes what the turn touched. */
export function saveWorking(turn: Turn, working: Working): void {
  const { conversation } = working
  turn.put(conversationTable, conversation, working.row)
  for (const row of working.authors.values()) {
    turn.put(authorTable, { conversation, author: row.author }, row)
  }
  for (const { index, author } of working.met) {
    turn.put(authorIndex, { conversation, index }, author)
  }
}

/** The entry with this id, if it is held and of this conversation. */
export function* heldIn(conversation: Bytes32, id: Bytes32): Step<HeldEntry | undefined> {
  const held = yield* heldEntry(id)
  if (held === undefined || !equalBytes(held.header.conversation, conversation)) {
    return undefined
  }
  return held
}

export function* heldEntry(id: Bytes32): Step<HeldEntry | undefined> {
  const row = yield* get(entryTable, id)
  return row === undefined ? undefined : { id, row, header: decodeHeader(row.headerBytes) }
}

export function addProof(turn: Turn, working: Working, proof: ProofRow): void {
  const at = working.row.proofs
  working.row = { ...working.row, proofs: at + 1 }
  turn.put(proofTable, { conversation: working.conversation, at }, proof)
}

/** All rows of one owner, loaded in pages. For sets that a stated limit bounds. */
export function* walk<K, V>(table: Table<K, V>, owner: Uint8Array): Step<readonly Row<V>[]> {
  const rows: Row<V>[] = []
  let from: Uint8Array | undefined
  for (;;) {
    const query = { owner, limit: WALK_PAGE_ROWS, ...(from === undefined ? {} : { from }) }
    const page = yield* range(table, query)
    rows.push(...page)
    const last = page[page.length - 1]
    if (last === undefined || page.length < WALK_PAGE_ROWS) return rows
    from = orderAfter(last.order)
  }
}

/** The least order above this one. */
export function orderAfter(order: Uint8Array): Uint8Array<ArrayBuffer> {
  const next = new Uint8Array(order.length + 1)
  next.set(order)
  return next
}
