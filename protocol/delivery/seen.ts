// Inner messages that were taken, and what was answered: a copy through another relay, or a repeated
// one, changes nothing and is answered alike (SPEC.md §7). Kept for 60 days, twice the life of an
// envelope; entry ids are kept for ever.
import { type Bytes32, EMPTY, concat, u64 } from '../../crypto/index.ts'
import { INNER_ID_LIFE_MS } from '../limits.ts'
import { encodeRecord, orEmpty, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get, range } from '../step.ts'

/**
 * committed: applied; requests: waits until its sender is accepted; refused: nothing of it counts;
 * beyondLimit: not kept, for want of room.
 */
export type SeenAs = 'committed' | 'requests' | 'refused' | 'beyondLimit'

const OUTCOMES: readonly SeenAs[] = ['committed', 'requests', 'refused', 'beyondLimit']

interface SeenInner {
  readonly day: number
  readonly as: SeenAs
  /** The device it was from, as its session proved. */
  readonly device: Bytes32 | undefined
}

const seenInner: Table<Bytes32, SeenInner> = {
  name: 'seen',
  sealing: 'value',
  place: (innerId) => ({ owner: EMPTY, order: innerId }),
  encode: (seen) => encodeRecord([seen.day, OUTCOMES.indexOf(seen.as), orEmpty(seen.device)]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'seen')
    return {
      day: fields.uint('day'),
      as: OUTCOMES[fields.uint('as', OUTCOMES.length - 1)] ?? 'refused',
      device: fields.optional('device', 32),
    }
  },
}

const seenByDay: Table<{ day: number; innerId: Bytes32 }, number> = {
  name: 'seen-days',
  sealing: 'value',
  place: ({ day, innerId }) => ({ owner: EMPTY, order: concat(u64(day), innerId) }),
  encode: (day) => encodeRecord([day]),
  decode: (bytes) => readRecord(bytes, 'seen day').uint('day'),
}

const DAY_MS = 86_400_000

/** What became of an inner message that was taken before. */
export function* seenBefore(innerId: Bytes32): Step<SeenInner | undefined> {
  return yield* get(seenInner, innerId)
}

export function markSeen(turn: Turn, innerId: Bytes32, as: SeenAs, device?: Bytes32): void {
  const day = Math.floor(turn.safeNowMs / DAY_MS)
  turn.put(seenInner, innerId, { day, as, device })
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
