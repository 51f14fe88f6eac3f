// The ring of a group's mailbox (SPEC.md §14.8, B11 to B13): bounded in bytes, the oldest go first,
// and none before the end of the hold that the relay signed for. What is planned is only done where
// the deposit then fits: nothing is dropped for a refusal.
import { type Bytes16, readU64, u64 } from '../../crypto/index.ts'
import { type RelayFailure, failed } from '../relay/failure.ts'
import { extendChain } from '../relay/group-chain.ts'
import { type Step, get, range } from '../step.ts'
import { type Replaced, forgetCoalesced } from './coalesce.ts'
import type { MailboxCounters } from './counters.ts'
import { RING_PAGE, RING_RELIEF_ROWS, RING_RETRY_MAX_MS, RING_ROW_BYTES } from './limits.ts'
import type { RingState, RowRecord } from './records.ts'
import { marks, rows } from './tables.ts'
import type { MailboxTurn } from './turn.ts'

/** A row at the front of a ring, with its place. */
export interface FrontRow {
  readonly seq: number
  readonly row: RowRecord
}

/** The next rows at the front, from `from` on. */
export function* frontRows(
  mailboxId: Bytes16,
  from: number,
  limit: number,
): Step<readonly FrontRow[]> {
  const page = yield* range(rows, { owner: mailboxId, from: u64(from), limit })
  return page.map(({ order, value }) => ({ seq: readU64(order, 0), row: value }))
}

/** Takes rows off the front, in order; the ring as it is then. */
export function* dropFront(
  turn: MailboxTurn,
  mailboxId: Bytes16,
  ring: RingState,
  context: { readonly counters: MailboxCounters; readonly front: readonly FrontRow[] },
): Step<RingState> {
  let { trimChain, trimmedUpTo } = ring
  for (const { seq, row } of context.front) {
    const { envId } = row
    const mark = yield* get(marks, { mailboxId, envId })
    turn.remove(rows, { mailboxId, seq })
    trimmedUpTo = seq
    trimChain = extendChain(turn.crypto, trimChain, envId)
    if (mark?.seq !== seq) continue
    yield* forgetCoalesced(turn, mailboxId, mark)
    turn.remove(marks, { mailboxId, envId })
    context.counters.remove(mark)
  }
  return { ...ring, trimmedUpTo, trimChain }
}

/** What a deposit needs of the ring. */
export interface RingNeed {
  /** Bytes to be free beyond what is. */
  readonly bytes: number
  readonly replaced: Replaced | undefined
}

/** The rows to drop for a deposit, or `quota` where too many of them are held. */
export function* planRoom(
  turn: MailboxTurn,
  mailboxId: Bytes16,
  ring: RingState,
  need: RingNeed,
): Step<readonly FrontRow[] | RelayFailure> {
  const drops: FrontRow[] = []
  // A disk that fills takes what nobody was promised any more.
  const relief = turn.diskUsed >= turn.limits.diskStrangers ? RING_RELIEF_ROWS : 0
  let freed = 0
  for (let from = ring.trimmedUpTo + 1; freed < need.bytes || drops.length < relief;) {
    const page = yield* frontRows(mailboxId, from, RING_PAGE)
    for (const front of page) {
      if (freed >= need.bytes && drops.length >= relief) return drops
      const { seq, row } = front
      const heldS = (row.ring?.holdUntilS ?? row.expiresS) - turn.nowS
      if (heldS > 0 || !turn.mayDelete) {
        return freed >= need.bytes ? drops : noRoom(turn.mayDelete ? heldS : Infinity)
      }
      drops.push(front)
      freed += RING_ROW_BYTES + (seq === need.replaced?.seq ? 0 : row.env.length)
      from = seq + 1
    }
    if (page.length < RING_PAGE) break
  }
  // Only a ring smaller than one envelope is empty and still too small.
  return freed >= need.bytes ? drops : noRoom(Infinity)
}

function noRoom(heldS: number): RelayFailure {
  return failed('quota', {
    scope: 'lane',
    retryAfterMs: Math.min(heldS * 1_000, RING_RETRY_MAX_MS),
  })
}
