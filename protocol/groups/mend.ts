// Keeping a group able to speak (SPEC.md §20.8, R1 to R7): who lacks a key asks for it, who holds one
// hands it on, and after a departure or a week there are new ones. What is due follows from what is
// held; what was done is written down in the batch that does it.
import { type Bytes32, equalBytes } from '../../crypto/index.ts'
import { epochs, lineages } from '../epochs/epoch-tables.ts'
import { type Repair, type RepairView, isRotationDue, repairDelayMs, repairsOf } from './repair.ts'
import { MERGES_PER_HOUR } from '../group-limits.ts'
import { conversationFacts } from '../log/read.ts'
import { type Step, type Turn, get } from '../step.ts'
import { renew } from './add-members.ts'
import { askForSeed, lackingSeeds } from './asked-seeds.ts'
import { chooseFor } from './carry.ts'
import type { Membership } from './membership.ts'
import { mendFacts } from './mend-facts.ts'
import { issue, sendSeed } from './operate.ts'
import { owedRefreshes, stillOwed } from './owed-refreshes.ts'
import { type RepairState, putRepairs, repairState } from './repair-state.ts'
import { tellDevices } from './tell-devices.ts'

/** Does what is due, one change of the group at most; when to look again, guarded clock. */
export function* mend(turn: Turn, members: Membership): Step<number | undefined> {
  const { gid } = members
  const state = yield* observe(turn, members, yield* repairState(gid))
  yield* putRepairs(turn, gid, state)
  const choice = yield* chooseFor(turn, members)
  // The own chain nears its end: new keys at once, whoever else may be about to make them.
  const mayWrite = members.allows('rotate')
  if (choice.kind === 'rotate' && mayWrite && mayRenew(turn, state)) {
    yield* carryOut(turn, members, state, { kind: 'rotate', atMs: turn.safeNowMs })
    return turn.safeNowMs
  }
  const view = yield* viewOf(turn, members, state)
  const repairs = repairsOf(view)
  let nextAtMs = yield* tellDevices(turn, members, view.delayMs)
  if (nextAtMs !== undefined && nextAtMs <= turn.safeNowMs) return nextAtMs
  let current = yield* repairState(gid)
  for (const repair of repairs) {
    if (repair.atMs > turn.safeNowMs) {
      nextAtMs = Math.min(nextAtMs ?? repair.atMs, repair.atMs)
      continue
    }
    const changed = repair.kind !== 'askAuthor' && repair.kind !== 'askOthers'
    // A group that has used up its operations goes on with the keys it has.
    if (changed && !mayWrite) continue
    current = yield* carryOut(turn, members, current, repair)
    yield* putRepairs(turn, gid, current)
    // Everything else is to be judged anew after it.
    if (changed) return turn.safeNowMs
    nextAtMs = turn.safeNowMs + ASK_AGAIN_MS
  }
  return nextAtMs
}

/** After a question the next step is looked for at once: it lies seconds ahead. */
const ASK_AGAIN_MS = 1_000

function mayRenew(turn: Turn, { mergesMs }: RepairState): boolean {
  const hour = turn.safeNowMs - 3_600_000
  return mergesMs.filter((atMs) => atMs > hour).length < MERGES_PER_HOUR
}

/** What is lacking now, and since when. */
function* observe(turn: Turn, members: Membership, before: RepairState): Step<RepairState> {
  const nowMs = turn.safeNowMs
  const choice = yield* chooseFor(turn, members)
  const sending = choice.kind === 'rotate' ? choice.otherwise : choice
  const entries = (yield* conversationFacts(turn, members.gid))?.entries ?? 0
  const facts = yield* mendFacts(turn, members)
  const { departure, fresh } = facts
  const isSameDeparture =
    departure !== undefined &&
    before.departure !== undefined &&
    equalBytes(departure, before.departure)
  const isSameFresh =
    fresh !== undefined && before.fresh !== undefined && equalBytes(fresh, before.fresh)
  const freshSeenMs = isSameFresh ? before.freshSeenMs : nowMs
  const entriesAtFresh = isSameFresh ? before.entriesAtFresh : entries
  const entriesSinceFresh = entries - entriesAtFresh
  const isDue = isRotationDue({ nowMs, freshSeenMs, entriesSinceFresh })
  const { seeds, passedOver } = yield* lackingSeeds(turn, members, facts.lacking, before.seeds)
  return {
    ...before,
    seeds,
    owed: stillOwed(members, before.owed),
    doubtSinceMs: passedOver ? before.doubtSinceMs || nowMs : before.doubtSinceMs,
    noUsableSinceMs: sending.kind === 'wait' ? before.noUsableSinceMs || nowMs : 0,
    subsetSinceMs: sending.kind === 'topUp' ? before.subsetSinceMs || nowMs : 0,
    departure,
    departureSinceMs:
      departure === undefined ? 0 : isSameDeparture ? before.departureSinceMs : nowMs,
    fresh,
    freshSeenMs,
    entriesAtFresh,
    // From when it is due the delay counts, not from each look.
    rotationDueSinceMs: isDue ? (isSameFresh && before.rotationDueSinceMs) || nowMs : 0,
  }
}

function* viewOf(turn: Turn, members: Membership, state: RepairState): Step<RepairView> {
  const { gid, highestHead } = members
  const entries = (yield* conversationFacts(turn, gid))?.entries ?? 0
  const { rank, extend } = yield* mendFacts(turn, members)
  // The same at every look, and another on every device.
  const jitter = (turn.crypto.sha256(highestHead, turn.self.device)[0] ?? 0) / 256
  return {
    nowMs: turn.safeNowMs,
    delayMs: repairDelayMs(rank, jitter),
    missingSeeds: state.seeds.filter(({ coveredMs }) => coveredMs === 0),
    owed: owedRefreshes(turn, members, state.owed),
    noUsableSinceMs: state.noUsableSinceMs || undefined,
    withinMembers: extend?.opId,
    subsetSinceMs: state.subsetSinceMs || undefined,
    missingMembers: extend?.missing ?? [],
    heads: members.heads.length,
    departureSinceMs: state.departureSinceMs || undefined,
    freshSeenMs: state.freshSeenMs,
    entriesSinceFresh: Math.max(0, entries - state.entriesAtFresh),
    rotationDueSinceMs: state.rotationDueSinceMs || undefined,
    lastRefreshMs: state.lastRefreshMs,
    mergesMs: state.mergesMs,
  }
}

function* carryOut(
  turn: Turn,
  members: Membership,
  state: RepairState,
  repair: Repair,
): Step<RepairState> {
  switch (repair.kind) {
    case 'askAuthor':
    case 'askOthers':
      return { ...state, seeds: yield* askForSeed(turn, members, state.seeds, repair) }
    case 'refresh':
      yield* refresh(turn, members, repair.extend, repair.devices)
      return { ...state, lastRefreshMs: turn.safeNowMs }
    case 'merge':
    case 'rotate': {
      yield* renew(turn, members)
      const mergesMs = [...state.mergesMs, turn.safeNowMs].slice(-MERGES_PER_HOUR)
      return { ...state, mergesMs }
    }
  }
}

/** Extends an epoch to devices that lack it, and hands them its secret. */
export function* refresh(
  turn: Turn,
  members: Membership,
  epochOp: Bytes32,
  devices: readonly Bytes32[],
): Step<void> {
  const { gid } = members
  const issued = yield* issue(turn, members, { kind: 'refresh', epochOp, devices })
  const epoch = yield* get(epochs, { group: gid, opId: issued.op.id })
  const lineage = epoch && (yield* get(lineages, { group: gid, opId: epoch.lineage }))
  if (epoch?.secret === undefined || lineage === undefined) return
  for (const device of devices) {
    yield* sendSeed(turn, issued.members, device, issued.op, {
      secretKind: 'epoch',
      secret: epoch.secret,
      lineage: lineage.secret,
    })
  }
}
