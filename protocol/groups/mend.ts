// Keeping a group able to speak (SPEC.md §20.8, R1 to R7): who lacks a key asks for it, who holds one
// hands it on, and after a departure or a week there are new ones. What is due follows from what is
// held; what was done is written down in the batch that does it.
import { type Bytes32, equalBytes, groupRepairRank } from '../../crypto/index.ts'
import { epochs, lineages } from '../group/epoch-tables.ts'
import { compareRecipients, groupEpochs } from '../group/group-epochs.ts'
import { causalEpochs } from '../group/group-cipher.ts'
import { type Repair, type RepairView, repairDelayMs, repairsOf } from '../group/repair.ts'
import { MERGES_PER_HOUR, SEED_ASK_OTHERS } from '../limits.ts'
import { conversationFacts } from '../log/read.ts'
import { type Step, type Turn, get } from '../step.ts'
import { renew } from './add-members.ts'
import { chooseFor } from './carry.ts'
import type { Membership } from './membership.ts'
import { issue, sendSeed } from './operate.ts'
import { askSeed } from './ops-talk.ts'
import {
  ASKED_SEEDS_MAX,
  type AskedSeed,
  type RepairState,
  putRepairs,
  repairState,
} from './repair-state.ts'
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
  const departure = openDeparture(members)
  const isSameDeparture =
    departure !== undefined &&
    before.departure !== undefined &&
    equalBytes(departure, before.departure)
  const fresh = newestFresh(members)
  const isSameFresh =
    fresh !== undefined && before.fresh !== undefined && equalBytes(fresh, before.fresh)
  return {
    ...before,
    seeds: yield* lackingSeeds(turn, members, before.seeds),
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

/** Epochs of ours that nothing held is above, and whose secret did not come. */
function* lackingSeeds(
  turn: Turn,
  members: Membership,
  before: readonly AskedSeed[],
): Step<readonly AskedSeed[]> {
  const { dag, gid } = members
  const own = dag.history.devices.find(turn.self.device)
  const held = yield* causalEpochs.held(gid)
  const lacking: AskedSeed[] = []
  for (const { op, isVoid } of groupEpochs(dag)) {
    if (lacking.length >= ASKED_SEEDS_MAX) break
    if (held.some(({ opId }) => equalBytes(opId, op.id) || members.isPast(opId, op.id))) continue
    const recipients = dag.history.find(op.id)?.recipients
    if (isVoid || own === undefined || recipients?.includes(own) !== true) continue
    const known = before.find(({ opId }) => equalBytes(opId, op.id))
    const first = { opId: op.id, sinceMs: turn.safeNowMs, askedAuthor: false, askedOthers: false }
    lacking.push(known ?? first)
  }
  return lacking
}

function newestFresh({ dag }: Membership): Bytes32 | undefined {
  for (const epoch of groupEpochs(dag)) if (epoch.isFresh && !epoch.isVoid) return epoch.op.id
  return undefined
}

/** A leave, or a list that takes devices out, that no fresh operation followed. */
function openDeparture(members: Membership): Bytes32 | undefined {
  const { history } = members.dag
  const isRenewed = (id: Bytes32): boolean =>
    history.nodes.some(
      ({ op }) =>
        FRESH.includes(op.payload.kind) && !members.isVoid(op.id) && members.isPast(op.id, id),
    )
  for (const index of history.ordered.toReversed()) {
    const node = history.at(index)
    const leaves = node.op.payload.kind === 'leave' || node.revokes.length > 0
    if (!leaves || members.isVoid(node.op.id)) continue
    return isRenewed(node.op.id) ? undefined : node.op.id
  }
  return undefined
}

const FRESH: readonly string[] = ['create', 'remove', 'rotate', 'merge']

/** An epoch that a refresh can extend: with members only, and as many of them as there is. */
function* extendable(
  members: Membership,
): Step<{ readonly opId: Bytes32; readonly missing: readonly Bytes32[] } | undefined> {
  let best: { readonly opId: Bytes32; readonly missing: readonly Bytes32[] } | undefined
  for (const { opId, addKey } of yield* causalEpochs.held(members.gid)) {
    if (addKey === undefined || members.isVoid(opId) || !members.isEligible(opId)) continue
    const compared = compareRecipients(members.dag, opId)
    if (compared?.within !== true) continue
    if (best === undefined || compared.missing.length < best.missing.length) {
      best = { opId, missing: compared.missing }
    }
  }
  return best
}

function* viewOf(turn: Turn, members: Membership, state: RepairState): Step<RepairView> {
  const { gid, devices, highestHead } = members
  const entries = (yield* conversationFacts(turn, gid))?.entries ?? 0
  const rank = groupRepairRank(turn.crypto, highestHead, turn.self.device, devices)
  // The same at every look, and another on every device.
  const jitter = (turn.crypto.sha256(highestHead, turn.self.device)[0] ?? 0) / 256
  const extend = yield* extendable(members)
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
