// Welcoming a device whose adder is away, or that came with a new device list (SPEC.md §21.3). Any
// member can: an operation that made the device a recipient, with its secret, is all that it needs to
// come in. They go one after the other, each after twice the time of the one before, and whoever hears
// the device in the group has nothing to do any more.
import { type Bytes32, equalBytes, groupRepairRank } from '../../crypto/index.ts'
import { encodeFrames } from '../frames.ts'
import { enqueue } from '../delivery/outbox.ts'
import { compareRecipients, groupEpochs } from '../group/group-epochs.ts'
import { causalEpochs } from '../group/group-cipher.ts'
import { epochs, lineages } from '../group/epoch-tables.ts'
import {
  WELCOME_HELP_DOUBLINGS,
  WELCOME_HELP_END_MS,
  WELCOME_HELP_STEP_MS,
} from '../group/limits.ts'
import { type Step, type Turn, get } from '../step.ts'
import { renew, sendAllOps } from './add-members.ts'
import { isReached, membersFrames, oweMembers } from './member-devices.ts'
import type { Membership } from './membership.ts'
import { refresh } from './mend.ts'
import { sendSeed } from './operate.ts'
import { type SilentDevice, endSilence, noteHelped, silentDevices } from './silent-devices.ts'

/** Minutes 1, 2, 4, .. 512 after it was first known, then 1,024 more for each rank. */
export function helpDelayMs(rank: number): number {
  const doublings = Math.min(rank, WELCOME_HELP_DOUBLINGS)
  const beyond = rank - doublings
  return WELCOME_HELP_STEP_MS * 2 ** doublings * (1 + beyond)
}

/** Welcomes devices that are to be welcomed now; when to look again, guarded clock. */
export function* helpSilent(turn: Turn, members: Membership): Step<number | undefined> {
  const { gid } = members
  let nextAtMs: number | undefined
  for (const row of yield* silentDevices(gid)) {
    const { device, sinceMs, helped } = row
    const isOver = turn.safeNowMs - sinceMs > WELCOME_HELP_END_MS
    if (isOver || members.accountOf(device) === undefined) {
      endSilence(turn, gid, device)
      continue
    }
    if (helped) continue
    const others = members.devices.filter((one) => !equalBytes(one, device))
    const rank = groupRepairRank(turn.crypto, device, turn.self.device, others)
    const dueMs = sinceMs + helpDelayMs(rank)
    if (dueMs > turn.safeNowMs) {
      nextAtMs = Math.min(nextAtMs ?? dueMs, dueMs)
      continue
    }
    // Where it is reached may be told later.
    if (!(yield* isReached(device))) continue
    yield* help(turn, members, row)
    // Whatever it took changed the membership: the rest at the next look.
    return turn.safeNowMs
  }
  return nextAtMs
}

function* help(turn: Turn, members: Membership, row: SilentDevice): Step<void> {
  const { gid } = members
  const { device } = row
  noteHelped(turn, gid, row)
  if (!(yield* handOver(turn, members, device))) {
    const extend = yield* extendableFor(turn, members, device)
    if (extend === undefined) yield* renew(turn, members)
    else yield* refresh(turn, members, extend, [device])
  }
  yield* sendAllOps(turn, members, device)
  for (const frame of yield* membersFrames(members)) {
    const frames = encodeFrames([frame])
    yield* enqueue(turn, device, { kind: 'notice', frames, untilHeard: false })
  }
  yield* oweMembers(turn, members, device)
}

/** Hands over the last derived epoch of the device whose secret is held; whether there is one. */
function* handOver(turn: Turn, members: Membership, device: Bytes32): Step<boolean> {
  const { gid, dag } = members
  const number = dag.history.devices.find(device)
  if (number === undefined) return false
  for (const { op, isFresh, isVoid } of groupEpochs(dag)) {
    if (isFresh || isVoid) continue
    if (dag.history.find(op.id)?.recipients?.includes(number) !== true) continue
    const epoch = yield* get(epochs, { group: gid, opId: op.id })
    const lineage = epoch && (yield* get(lineages, { group: gid, opId: epoch.lineage }))
    if (epoch?.secret === undefined || lineage === undefined) continue
    const secret = { secretKind: 'epoch', secret: epoch.secret, lineage: lineage.secret } as const
    yield* sendSeed(turn, members, device, op, secret)
    return true
  }
  return false
}

/** An epoch of members alone that lacks the device and that can be extended here. */
function* extendableFor(
  turn: Turn,
  members: Membership,
  device: Bytes32,
): Step<Bytes32 | undefined> {
  for (const { opId, addKey } of yield* causalEpochs.held(turn, members.gid)) {
    if (addKey === undefined || members.isVoid(opId) || !members.isEligible(opId)) continue
    const compared = compareRecipients(members.dag, opId)
    if (compared?.within !== true) continue
    if (compared.missing.some((one) => equalBytes(one, device))) return opId
  }
  return undefined
}
