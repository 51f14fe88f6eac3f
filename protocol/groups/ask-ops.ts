// Asking for operations that others have and we have not (SPEC.md §21): parents that are cited and
// missing, heads that a frontier named, a welcome that came alone. One device at a time, another one
// each time, at growing intervals.
import type { Bytes32 } from '../../crypto/index.ts'
import { OPS_ASK_MAX_MS, OPS_ASK_MIN_MS } from '../group-limits.ts'
import type { Step, Turn } from '../step.ts'
import type { Membership } from './membership.ts'
import { askOperations } from './ops-talk.ts'
import { type PendingWelcome, pendingWelcomes } from './pending-welcomes.ts'
import { repairState, repairStates } from './repair-state.ts'
import { reachableDevices } from './sync-group.ts'
import { unknownHeads } from './unknown-heads.ts'

/** Asks where something is missing and the last question was long enough ago; when to look again. */
export function* askMissingOps(
  turn: Turn,
  gid: Bytes32,
  members: Membership | undefined,
): Step<number | undefined> {
  const state = yield* repairState(gid)
  const welcomes = yield* pendingWelcomes(gid)
  const cited = members?.dag.missing().length ?? 0
  const named = members === undefined ? 0 : (yield* unknownHeads(turn, members)).length
  // A tag that nobody can name after some questions is nobody's: a forger makes as many as it likes.
  const tags = state.wantsOps && state.opsAsked < UNKNOWN_TAG_ASKS ? 1 : 0
  if (cited + named + tags === 0 && welcomes.length === 0) {
    if (state.opsAsked > 0) turn.put(repairStates, gid, { ...state, opsAsked: 0, wantsOps: false })
    return undefined
  }
  // A welcome comes with its operations: they are given a moment.
  const since = welcomes.map(({ atMs }) => atMs)
  const firstMs = since.length === 0 ? 0 : Math.min(...since) + OPS_ASK_MIN_MS
  const waitMs = Math.min(OPS_ASK_MAX_MS, OPS_ASK_MIN_MS * 2 ** Math.min(state.opsAsked, 8))
  const againMs = state.askedOpsMs === 0 ? 0 : state.askedOpsMs + waitMs
  const dueMs = Math.max(firstMs, againMs)
  if (dueMs > turn.safeNowMs) return dueMs
  const device = yield* deviceToAsk(turn, members, state.opsAsked, welcomes)
  if (device !== undefined) yield* askOperations(turn, gid, device)
  const opsAsked = state.opsAsked + 1
  const asked = { opsAsked, askedOpsMs: turn.safeNowMs, askedOpsOf: device ?? state.askedOpsOf }
  turn.put(repairStates, gid, { ...state, ...asked })
  return turn.safeNowMs + Math.min(OPS_ASK_MAX_MS, OPS_ASK_MIN_MS * 2 ** Math.min(opsAsked, 8))
}

/** Questions about a message whose tag is unknown. */
const UNKNOWN_TAG_ASKS = 3

function* deviceToAsk(
  turn: Turn,
  members: Membership | undefined,
  turnNumber: number,
  welcomes: readonly PendingWelcome[],
): Step<Bytes32 | undefined> {
  if (welcomes.length > 0) return welcomes[turnNumber % welcomes.length]?.from
  const reachable = members === undefined ? [] : yield* reachableDevices(turn, members)
  return reachable[turnNumber % Math.max(1, reachable.length)]
}
