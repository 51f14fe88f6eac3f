// Asking for operations that others have and we have not (SPEC.md §21): parents that are cited and
// missing, heads that a frontier named, a welcome that came alone. One device at a time, another one
// each time, at growing intervals.
import { type Bytes32, equalBytes } from '../../crypto/index.ts'
import { OPS_ASK_MAX_MS, OPS_ASK_MIN_MS } from '../limits.ts'
import { peers } from '../peers/peer.ts'
import { type Step, type Turn, get } from '../step.ts'
import type { Membership } from './membership.ts'
import { askOperations } from './ops-talk.ts'
import { pendingWelcome } from './pending-secrets.ts'
import { repairState, repairStates } from './repair-state.ts'
import { unknownHeads } from './unknown-heads.ts'

/** Asks where something is missing and the last question was long enough ago; when to look again. */
export function* askMissingOps(
  turn: Turn,
  gid: Bytes32,
  members: Membership | undefined,
): Step<number | undefined> {
  const state = yield* repairState(gid)
  const welcome = yield* pendingWelcome(gid)
  const cited = members?.dag.missing().length ?? 0
  const named = members === undefined ? 0 : (yield* unknownHeads(turn, members)).length
  if (cited + named === 0 && welcome === undefined) {
    if (state.opsAsked > 0) turn.put(repairStates, gid, { ...state, opsAsked: 0, askedOpsMs: 0 })
    return undefined
  }
  // A welcome comes with its operations: they are given a moment.
  const firstMs = welcome === undefined ? 0 : welcome.atMs + OPS_ASK_MIN_MS
  const waitMs = Math.min(OPS_ASK_MAX_MS, OPS_ASK_MIN_MS * 2 ** Math.min(state.opsAsked, 8))
  const dueMs = state.opsAsked === 0 ? firstMs : state.askedOpsMs + waitMs
  if (dueMs > turn.safeNowMs) return dueMs
  const device = yield* deviceToAsk(turn, members, state.opsAsked, welcome?.from)
  if (device !== undefined) yield* askOperations(turn, gid, device)
  const opsAsked = state.opsAsked + 1
  turn.put(repairStates, gid, { ...state, opsAsked, askedOpsMs: turn.safeNowMs })
  return turn.safeNowMs + Math.min(OPS_ASK_MAX_MS, OPS_ASK_MIN_MS * 2 ** Math.min(opsAsked, 8))
}

function* deviceToAsk(
  turn: Turn,
  members: Membership | undefined,
  turnNumber: number,
  welcomer: Bytes32 | undefined,
): Step<Bytes32 | undefined> {
  if (welcomer !== undefined) return welcomer
  const reachable: Bytes32[] = []
  for (const device of members?.devices ?? []) {
    if (equalBytes(device, turn.self.device)) continue
    const endpoints = (yield* get(peers, device))?.endpoints
    if (endpoints === undefined) continue
    if (endpoints.mailboxes.length > 0 || endpoints.home !== undefined) reachable.push(device)
  }
  return reachable[turnNumber % Math.max(1, reachable.length)]
}
