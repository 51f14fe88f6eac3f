// What its user has seen, by arrival (SPEC.md §8), and what was taken away again. An entry that came
// late stands above what was read long ago: a position in the order would call it read.
import { type Bytes32, u64 } from '../../crypto/index.ts'
import { ProtocolError } from '../errors.ts'
import { WALK_PAGE_ROWS } from '../limits.ts'
import { get, range, type Step, type Turn } from '../step.ts'
import { ABSENCE, type AbsenceReason, compareOrder } from './entry.ts'
import { addToRanges } from './ranges.ts'
import { conversationTable } from './conversation-table.ts'
import { arrivalIndex, type ArrivalRow, bodyTable, entryTable } from './tables.ts'
import {
  authorOf,
  heldEntry,
  openWorking,
  saveWorking,
  setAuthor,
  type Working,
} from './working.ts'

/**
 * Everything that arrived up to `arrival` was seen. A lower or equal number than before changes
 * nothing. Returns how many entries of others are still unread.
 */
export function* markSeen(turn: Turn, conversation: Bytes32, arrival: number): Step<number> {
  const working = yield* openWorking(conversation)
  const upTo = Math.min(arrival, working.row.arrivals)
  if (upTo <= working.row.position) return working.row.unread
  for (let after = working.row.position; after < upTo;) {
    const from = u64(after + 1)
    const limit = Math.min(WALK_PAGE_ROWS, upTo - after)
    const rows = yield* range(arrivalIndex, { owner: conversation, from, limit })
    for (const { value } of rows) yield* see(working, value)
    after += limit
  }
  working.row = { ...working.row, position: upTo }
  saveWorking(turn, working)
  turn.change({ kind: 'seen', conversation, arrival: upTo })
  return working.row.unread
}

function* see(working: Working, { id, author: key, n, mine }: ArrivalRow): Step<void> {
  if (mine) return
  working.row = { ...working.row, unread: working.row.unread - 1 }
  const held = yield* heldEntry(id)
  // Without a place in the order there is no read position: closing counts it as seen.
  if (held === undefined || held.row.open) return
  const author = yield* authorOf(working, key)
  setAuthor(working, { ...author, seen: addToRanges(author.seen, n) })
  const ref = { id, lamport: held.header.lamport }
  const { seenTop } = working.row
  if (seenTop === undefined || compareOrder(ref, seenTop) > 0) {
    working.row = { ...working.row, seenTop: ref }
  }
}

/** The arrival number up to which everything was seen, and how many entries of others are not. */
export function* readPosition(
  _turn: Turn,
  conversation: Bytes32,
): Step<{ readonly arrival: number; readonly unread: number }> {
  const row = yield* get(conversationTable, conversation)
  return { arrival: row?.position ?? 0, unread: row?.unread ?? 0 }
}

/**
 * Destroys the body of an entry; its header stays and says why. Throws ERR_PROTOCOL_UNKNOWN where it
 * is not held. A body that is absent already stays absent for its first reason.
 */
export function* eraseBody(turn: Turn, id: Bytes32, reason: AbsenceReason): Step<void> {
  const held = yield* heldEntry(id)
  if (held === undefined) throw new ProtocolError('ERR_PROTOCOL_UNKNOWN', 'no such entry')
  const { row, header } = held
  // One that is merely not held must not come back by sync either.
  if (row.reason !== 0 && row.reason !== ABSENCE.notHeld) return
  const { conversation } = header
  turn.remove(bodyTable, { conversation, id })
  turn.put(entryTable, id, { ...row, reason: ABSENCE[reason] })
  turn.change({ kind: 'body', conversation, entry: id })
}
