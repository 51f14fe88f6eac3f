// Welcoming a device whose adder is away, or that came with a new device list (SPEC.md §21.3). Any
// member can: an operation that made the device a recipient, with its secret, is all that it needs to
// come in, and the base of its add, where it can be worked out, spares it what was said before. They go
// one after the other, each after twice the time of the one before, and whoever hears the device in the
// group has nothing to do any more.
import { type Bytes32, equalBytes } from '../../crypto/index.ts'
import { groupEpochs } from '../membership/group-epochs.ts'
import {
  WELCOME_HELP_DOUBLINGS,
  WELCOME_HELP_END_MS,
  WELCOME_HELP_STEP_MS,
} from '../group-limits.ts'
import type { Step, Turn } from '../step.ts'
import { renew, sendBase, sendSurroundings } from './add-members.ts'
import { baseOfAdd } from './group-base.ts'
import { helpRank } from './help-rank.ts'
import { isReached } from './member-devices.ts'
import type { Membership } from './membership.ts'
import { refresh } from './mend.ts'
import { extendable } from './mend-facts.ts'
import { isFor, sendEpoch } from './owed-refreshes.ts'
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
    const dueMs = sinceMs + helpDelayMs(helpRank(turn, members, device))
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
  if (!(yield* handOver(turn, members, device)) && members.allows('refresh')) {
    const extend = yield* extendable(turn, members, device)
    if (extend === undefined) yield* renew(turn, members)
    else yield* refresh(turn, members, extend.opId, [device])
  }
  yield* handOverBase(turn, members, device)
  yield* sendSurroundings(turn, members, device)
}

/**
 * The base of the add that brought the device, where it is known here: after a secret, for whoever does
 * not know the group yet takes that alone from a stranger.
 */
function* handOverBase(turn: Turn, members: Membership, device: Bytes32): Step<void> {
  for (const { op, isVoid } of groupEpochs(members.dag)) {
    if (op.payload.kind !== 'add' || isVoid || !isFor(members, op.id, device)) continue
    const account = members.accountOf(device)
    const isOfIt = op.payload.newcomers.some((one) => account && equalBytes(one.account, account))
    if (!isOfIt) continue
    const base = yield* baseOfAdd(turn, members.gid, op.payload)
    if (base !== undefined) yield* sendBase(turn, members, op.id, device, base)
    return
  }
}

/** Hands over the last derived epoch of the device whose secret is held; whether there is one. */
function* handOver(turn: Turn, members: Membership, device: Bytes32): Step<boolean> {
  for (const { op, isFresh, isVoid } of groupEpochs(members.dag)) {
    if (isFresh || isVoid || !isFor(members, op.id, device)) continue
    if (yield* sendEpoch(turn, members, device, op.id)) return true
  }
  return false
}
