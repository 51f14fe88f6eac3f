// Keeping a group able to speak (SPEC.md §20.8, R1 to R7): who lacks a key asks for it, who holds one
// hands it on, and after a departure or a week there are new ones. What is due follows from what is
// held; what was done is written down in the batch that does it.
import { type Bytes32, equalBytes } from '../../crypto/index.ts'
import { epochs, lineages } from '../group/epoch-tables.ts'
import { type Repair, type RepairView, repairDelayMs, repairsOf } from '../group/repair.ts'
import { MERGES_PER_HOUR, SEED_ASK_OTHERS } from '../limits.ts'
import { conversationFacts } from '../log/read.ts'
import { type Step, type Turn, get } from '../step.ts'
import { renew } from './add-members.ts'
import { chooseFor } from './carry.ts'
import type { Membership } from './membership.ts'
import { mendFacts } from './mend-facts.ts'
import { issue, sendSeed } from './operate.ts'
import { askSeed } from './ops-talk.ts'
import { type AskedSeed, type RepairState, putRepairs, repairState } from './repair-state.ts'
import { tellDevices } from './tell-devices.ts'

/** Does what is due, one change of the group at most; when to look again, guarded clock. */
export function* mend(turn: Turn, members: Membership): Step<number | undefined> {
  const { gid } = members
  const state = yield* observe(turn, members, yield* repairState(gid))
  yield* putRepairs(turn, gid, state)
  const choice = yield* chooseFor(turn, members)
  // The own chain nears its end: new keys at once, whoever else may be about to make them.
  if (choice.kind === 'rotate' && mayRenew(turn, state)) {
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
  return {
    ...before,
    seeds: facts.lacking.map((opId) => seedState(turn, opId, before.seeds)),
    noUsableSinceMs: sending.kind === 'wait' ? before.noUsableSinceMs || nowMs : 0,
    subsetSinceMs: sending.kind === 'topUp' ? before.subsetSinceMs || nowMs : 0,
    departure,
    departureSinceMs:
      departure === undefined ? 0 : isSameDeparture ? before.departureSinceMs : nowMs,
    fresh,
    freshSeenMs: isSameFresh ? before.freshSeenMs : nowMs,
    entriesAtFresh: isSameFresh ? before.entriesAtFresh : entries,
    rotationDueSinceMs: isSameFresh ? before.rotationDueSinceMs : 0,
  }
}

function seedState(turn: Turn, opId: Bytes32, before: readonly AskedSeed[]): AskedSeed {
  const known = before.find((one) => equalBytes(one.opId, opId))
  return known ?? { opId, sinceMs: turn.safeNowMs, askedAuthor: false, askedOthers: false }
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
    missingSeeds: state.seeds,
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
    case 'askAuthor': {
      const author = members.op(repair.opId)?.device
      if (author !== undefined) yield* askSeed(turn, members, author, repair.opId)
      return { ...state, seeds: noteAsked(state, repair.opId, { askedAuthor: true }) }
    }
    case 'askOthers': {
      for (const device of othersToAsk(turn, members, repair.opId)) {
        yield* askSeed(turn, members, device, repair.opId)
      }
      return { ...state, seeds: noteAsked(state, repair.opId, { askedOthers: true }) }
    }
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

function noteAsked(
  { seeds }: RepairState,
  opId: Bytes32,
  asked: Partial<AskedSeed>,
): readonly AskedSeed[] {
  return seeds.map((seed) => (equalBytes(seed.opId, opId) ? { ...seed, ...asked } : seed))
}

/** Two other recipients, in the order of a hash that differs from asker to asker. */
function othersToAsk(turn: Turn, members: Membership, opId: Bytes32): readonly Bytes32[] {
  const author = members.op(opId)?.device
  const rank = (device: Bytes32): number => turn.crypto.sha256(turn.self.device, device)[0] ?? 0
  return members.devices
    .filter((device) => !equalBytes(device, turn.self.device))
    .filter((device) => author === undefined || !equalBytes(device, author))
    .toSorted((a, b) => rank(a) - rank(b))
    .slice(0, SEED_ASK_OTHERS)
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
