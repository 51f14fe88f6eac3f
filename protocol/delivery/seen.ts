// Inner messages that were taken: a copy through another relay, or a repeated one, changes nothing
// (SPEC.md §7). Kept for 60 days, twice the life of an envelope; entry ids are kept for ever.
import { type Bytes32, EMPTY, concat, u64 } from '../../crypto/index.ts'
import { INNER_ID_LIFE_MS } from '../limits.ts'
import { encodeRecord, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get, range } from '../step.ts'

const seenInner: Table<Bytes32, number> = {
  name: 'seen',
  sealing: 'value',
  place: (innerId) => ({ owner: EMPTY, order: innerId }),
  encode: (day) => encodeRecord([day]),
  decode: (bytes) => readRecord(bytes, 'seen').uint('day'),
}

const seenByDay: Table<{ day: number; innerId: Bytes32 }, number> = {
  name: 'seen-days',
  sealing: 'value',
  place: ({ day, innerId }) => ({ owner: EMPTY, order: concat(u64(day), innerId) }),
  encode: (day) => encodeRecord([day]),
  decode: (bytes) => readRecord(bytes, 'seen day').uint('day'),
}

const DAY_MS = 86_400_000

export function* wasSeen(innerId: Bytes32): Step<boolean> {
  return (yield* get(seenInner, innerId)) !== undefined
}

export function markSeen(turn: Turn, innerId: Bytes32): void {
  const day = Math.floor(turn.safeNowMs / DAY_MS)
  turn.put(seenInner, innerId, day)
  turn.put(seenByDay, { day, innerId }, day)
}

/** Forgets up to `limit` marks that are older than 60 days by the guarded clock; how many it forgot. */
export function* forgetSeen(turn: Turn, limit: number): Step<number> {
  const before = Math.floor((turn.safeNowMs - INNER_ID_LIFE_MS) / DAY_MS)
  if (before <= 0) return 0
  const rows = yield* range(seenByDay, { owner: EMPTY, to: u64(before), limit })
  for (const { order, value } of rows) {
    const innerId = order.slice(8)
    turn.remove(seenInner, innerId)
    turn.remove(seenByDay, { day: value, innerId })
  }
  return rows.length
}
