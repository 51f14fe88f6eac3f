// What may have been said and cannot be read here (SPEC.md §20.8, §21.8): under keys that were passed
// over, or in messages that there was no room to hold. Only its author knows how far it wrote; so all
// are asked, in the group itself, and somebody's log is compared with this one.
import { frontierRequestFrame } from '../content/group-frontier.ts'
import { SYNC_RETRY_MAX_MS } from '../limits.ts'
import { COMPARE_INTERVAL_MS, SEED_COVERED_MS } from '../group-limits.ts'
import { authorFrontier } from '../log/frontier.ts'
import type { Step, Turn } from '../step.ts'
import { sendableEpoch } from './carry.ts'
import { heldMessageCount } from './held-messages.ts'
import type { Membership } from './membership.ts'
import { signOwnControl, waitingControls } from './own-control.ts'
import { putRepairs, repairState } from './repair-state.ts'
import { comparesSoon } from './sync-group.ts'

/** Asks all members where there is doubt and it is time to; when to look again, guarded clock. */
export function* settleDoubt(turn: Turn, members: Membership): Step<number | undefined> {
  const { gid } = members
  const state = yield* repairState(gid)
  const covered = state.seeds.flatMap(({ coveredMs }) =>
    coveredMs === 0 ? [] : [coveredMs + SEED_COVERED_MS],
  )
  const nextMs = covered.length === 0 ? undefined : Math.min(...covered)
  // An answer may be lost, or its author have been away: while something is held all are asked again.
  const isHolding = state.doubtAskedMs > 0 && (yield* heldMessageCount(gid)) > 0
  if (state.doubtSinceMs === 0 && isHolding) {
    const retryMs = state.doubtAskedMs + SYNC_RETRY_MAX_MS
    if (retryMs > turn.safeNowMs) return Math.min(retryMs, nextMs ?? retryMs)
  } else if (state.doubtSinceMs === 0) return nextMs
  // Answers come under the newest keys: while those are on their way nobody is asked.
  const lacking = state.seeds.filter(({ coveredMs }) => coveredMs === 0)
  const keysMs = lacking.map(({ sinceMs }) => sinceMs + COMPARE_INTERVAL_MS)
  const againMs = state.doubtAskedMs === 0 ? 0 : state.doubtAskedMs + COMPARE_INTERVAL_MS
  const dueMs = Math.max(againMs, ...keysMs)
  if (dueMs > turn.safeNowMs) return Math.min(dueMs, nextMs ?? dueMs)
  if ((yield* sendableEpoch(turn, members)) === undefined) return nextMs
  const mine = yield* authorFrontier(turn, gid, turn.self.device)
  const request = { author: turn.self.device, n: mine?.headN ?? 0 }
  const frame = yield* signOwnControl(turn, gid, frontierRequestFrame, request)
  turn.put(waitingControls, { gid, kind: frame.kind }, { frame })
  yield* comparesSoon(turn, gid)
  yield* putRepairs(turn, gid, { ...state, doubtSinceMs: 0, doubtAskedMs: turn.safeNowMs })
  return nextMs
}
