// Messages under keys that were passed over (SPEC.md §20.4): an epoch above theirs is held, and their
// own will hardly come any more. They are held until their author told how far it wrote.
import { type Bytes32, equalBytes } from '../../crypto/index.ts'
import { markSeen } from '../delivery/seen.ts'
import { causalEpochs } from '../epochs/group-cipher.ts'
import { EPOCH_CAP_MS, GROUP_HELD_MAX } from '../group-limits.ts'
import type { Step, Turn } from '../step.ts'
import { heldMessageCount, heldMessages, releaseMessage } from './held-messages.ts'
import { type Membership, membershipOf } from './membership.ts'
import type { HeldOrigin } from './tagged-epoch.ts'

/** Whether an epoch above a message's is held. */
export function* isPassedOver(turn: Turn, gid: Bytes32, { opId }: HeldOrigin): Step<boolean> {
  const members = yield* membershipOf(turn, gid)
  const held = yield* causalEpochs.held(turn, gid)
  return held.some((epoch) => members?.isPast(epoch.opId, opId) === true)
}

/** A device said how far it wrote, under an operation: what it sent below that one is accounted for. */
export function* releaseBelow(
  turn: Turn,
  members: Membership,
  device: Bytes32,
  opId: Bytes32,
): Step<void> {
  const { gid } = members
  if (members.accountOf(device) === undefined || (yield* heldMessageCount(gid)) === 0) return
  for (const row of yield* heldMessages(gid, 0, GROUP_HELD_MAX)) {
    const { origin } = row
    if (origin === undefined || !equalBytes(origin.device, device)) continue
    if (!members.isPast(opId, origin.opId)) continue
    yield* releaseMessage(turn, gid, row)
    // Nor is another relay's copy of it held.
    markSeen(turn, row.innerId, 'committed')
  }
}

/** Gives up what was held for as long as keys live at most; how many that were. */
export function* dropExpiredHeld(turn: Turn, gid: Bytes32): Step<number> {
  let dropped = 0
  for (const row of yield* heldMessages(gid, 0, GROUP_HELD_MAX)) {
    if (turn.safeNowMs - row.atMs < EPOCH_CAP_MS) break
    yield* releaseMessage(turn, gid, row)
    dropped += 1
  }
  return dropped
}
