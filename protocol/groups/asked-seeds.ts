// Secrets of epochs that a device should have and has not (SPEC.md §20.8, R1): whom it asked for them
// and when. Asked for again and again, of one member after the other, until something comes: whoever
// has it may be away, and may have been asked while it was.
import { type Bytes32, compareBytes, equalBytes } from '../../crypto/index.ts'
import type { Repair } from './repair.ts'
import { groupEpoch } from '../membership/group-epochs.ts'
import { causalEpochs } from '../epochs/group-cipher.ts'
import {
  REPAIR_WAIT_MS,
  SEED_ANSWER_INTERVAL_MS,
  SEED_ASKED_MAX,
  SEED_ASK_OTHERS,
  SEED_COVERED_MS,
} from '../group-limits.ts'
import type { Step, Turn } from '../step.ts'
import { ASKED_SEEDS_MAX, type AskedSeed } from './asked-seed.ts'
import type { Membership } from './membership.ts'
import { askSeed } from './ops-talk.ts'

export interface Lacking {
  readonly seeds: readonly AskedSeed[]
  /** An epoch was passed over without its secret: what was said in it may be missing unnoticed. */
  readonly passedOver: boolean
}

/** Epochs of ours whose secret did not come. `lacking`: those that nothing held is above. */
export function* lackingSeeds(
  turn: Turn,
  members: Membership,
  lacking: readonly Bytes32[],
  before: readonly AskedSeed[],
): Step<Lacking> {
  const seeds: AskedSeed[] = lacking.map((opId) => {
    const known = before.find((one) => equalBytes(one.opId, opId))
    return { ...(known ?? firstSeen(turn, opId)), coveredMs: 0 }
  })
  const others = before.filter(({ opId }) => !lacking.some((one) => equalBytes(one, opId)))
  let passedOver = false
  for (const known of others) {
    if (!(yield* isStillLacking(turn, members, known.opId))) continue
    // Its own secret may still be under way.
    const coveredMs = known.coveredMs || turn.safeNowMs
    const isUnderWay = turn.safeNowMs - coveredMs < SEED_COVERED_MS
    if (isUnderWay && seeds.length < ASKED_SEEDS_MAX) seeds.push({ ...known, coveredMs })
    else passedOver = true
  }
  return { seeds, passedOver }
}

/** Whether an epoch is one of ours, and nothing brought its secret. */
function* isStillLacking(turn: Turn, members: Membership, opId: Bytes32): Step<boolean> {
  const { history } = members.dag
  const own = history.devices.find(turn.self.device)
  const recipients = history.find(opId)?.recipients
  if (own === undefined || recipients?.includes(own) !== true || members.isVoid(opId)) return false
  const held = yield* causalEpochs.held(turn, members.gid)
  return !held.some((one) => equalBytes(one.opId, opId))
}

function firstSeen(turn: Turn, opId: Bytes32): AskedSeed {
  return { opId, sinceMs: turn.safeNowMs, asks: 0, askedAtMs: 0, asked: [], coveredMs: 0 }
}

/** Asks as R1 says; what is remembered of it. */
export function* askForSeed(
  turn: Turn,
  members: Membership,
  seeds: readonly AskedSeed[],
  repair: Extract<Repair, { readonly kind: 'askAuthor' | 'askOthers' }>,
): Step<readonly AskedSeed[]> {
  const { opId } = repair
  const devices =
    repair.kind === 'askAuthor'
      ? [members.op(opId)?.device ?? turn.self.device]
      : othersToAsk(turn, members, opId, repair.round)
  for (const device of devices) yield* askSeed(turn, members, device, opId)
  const askedAtMs = turn.safeNowMs
  return seeds.map((seed) =>
    equalBytes(seed.opId, opId)
      ? { ...noteAsked(turn, seed, devices), asks: seed.asks + 1, askedAtMs }
      : seed,
  )
}

function noteAsked(turn: Turn, seed: AskedSeed, devices: readonly Bytes32[]): AskedSeed {
  const kept = seed.asked.filter((one) => !devices.some((each) => equalBytes(each, one.device)))
  const asked = [...kept, ...devices.map((device) => ({ device, atMs: turn.safeNowMs }))]
  return { ...seed, asked: asked.slice(-SEED_ASKED_MAX) }
}

/** Members among an epoch's recipients, in an order that differs from asker to asker, its author last. */
function sourcesOf(turn: Turn, members: Membership, opId: Bytes32): readonly Bytes32[] {
  const author = members.op(opId)?.device
  const isAuthor = (device: Bytes32): boolean => author !== undefined && equalBytes(device, author)
  const sources = (groupEpoch(members.dag, opId)?.recipients() ?? []).filter(
    (device) => !equalBytes(device, turn.self.device) && members.accountOf(device) !== undefined,
  )
  const ranked = sources
    .filter((device) => !isAuthor(device))
    .map((device) => ({ device, rank: turn.crypto.sha256(turn.self.device, device) }))
    .toSorted((a, b) => compareBytes(a.rank, b.rank))
    .map(({ device }) => device)
  return [...ranked, ...sources.filter(isAuthor)]
}

/** The two whose turn it is in this round. */
function othersToAsk(
  turn: Turn,
  members: Membership,
  opId: Bytes32,
  round: number,
): readonly Bytes32[] {
  const sources = sourcesOf(turn, members, opId)
  const from = (round * SEED_ASK_OTHERS) % Math.max(1, sources.length)
  return [...sources.slice(from), ...sources.slice(0, from)].slice(0, SEED_ASK_OTHERS)
}

function lastAskMs({ asked, askedAtMs }: AskedSeed): number {
  return Math.max(askedAtMs, ...asked.map(({ atMs }) => atMs))
}

/** A member is heard: it is asked at once for what is lacking, unless it was a short while ago. */
export function* askHeard(
  turn: Turn,
  members: Membership,
  device: Bytes32,
  seeds: readonly AskedSeed[],
): Step<readonly AskedSeed[]> {
  const now: AskedSeed[] = []
  for (const seed of seeds) {
    const last = seed.asked.find((one) => equalBytes(one.device, device))
    const isRecent = last !== undefined && turn.safeNowMs - last.atMs < SEED_ANSWER_INTERVAL_MS
    const isSource = sourcesOf(turn, members, seed.opId).some((one) => equalBytes(one, device))
    // The first question is the author's, and the last one is given time for its answer.
    const isOpen = seed.asks === 0 || turn.safeNowMs - lastAskMs(seed) < REPAIR_WAIT_MS
    if (seed.coveredMs > 0 || isOpen || isRecent || !isSource) {
      now.push(seed)
      continue
    }
    yield* askSeed(turn, members, device, seed.opId)
    now.push(noteAsked(turn, seed, [device]))
  }
  return now
}
