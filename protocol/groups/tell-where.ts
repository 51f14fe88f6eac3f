// Where somebody is reached who cannot say so itself yet (SPEC.md §21.3): who adds an account, or tells
// a group of its new devices, says it in a join-pending object that names no invite. So any member can
// go on where the one who knew is gone.
import { type Bytes16, type Bytes32, equalBytes, openDeviceList } from '../../crypto/index.ts'
import { type JoinPending, joinPendingFrame } from '../content/group-member.ts'
import { deviceLists, isListed } from '../peers/device-lists.ts'
import { newPeer, peers } from '../peers/peer.ts'
import { type Step, type Turn, get } from '../step.ts'
import { carryWaiting } from './carry.ts'
import { memberName } from './member-devices.ts'
import type { Membership } from './membership.ts'
import { signOwnControl, waitingControls } from './own-control.ts'

/** No invite: nobody waits to be let in. */
const NO_INVITE: Bytes16 = new Uint8Array(16)

export function namesNoInvite({ inviteId }: JoinPending): boolean {
  return equalBytes(inviteId, NO_INVITE)
}

/** Tells the group where the first of these devices is reached of which that is known. */
export function* tellWhere(
  turn: Turn,
  members: Membership,
  account: Bytes32,
  devices: readonly Bytes32[],
): Step<void> {
  const { gid } = members
  if (members.devices.every((device) => equalBytes(device, turn.self.device))) return
  const list = yield* get(deviceLists, account)
  if (list === undefined) return
  for (const device of devices) {
    const mailboxes = (yield* get(peers, device))?.endpoints.mailboxes ?? []
    if (mailboxes.length === 0) continue
    const name = yield* memberName(account)
    const value = { inviteId: NO_INVITE, account, list: list.bytes, name, mailboxes }
    const frame = yield* signOwnControl(turn, gid, joinPendingFrame, value)
    turn.put(waitingControls, { gid, kind: frame.kind }, { frame })
    yield* carryWaiting(turn, members)
    return
  }
}

/** Notes where devices of a list are reached that told us nothing themselves. */
export function* learnWhere(turn: Turn, { account, list, mailboxes }: JoinPending): Step<void> {
  const { devices } = openDeviceList(turn.crypto, list)
  const known = yield* get(deviceLists, account)
  for (const { device, dh } of devices) {
    if (!isListed(known, device) || equalBytes(device, turn.self.device)) continue
    const peer = (yield* get(peers, device)) ?? newPeer({ account, device, dh })
    const { endpoints } = peer
    if (endpoints.counter > 0 || endpoints.mailboxes.length > 0) continue
    // Of several devices the object says only where one is: that one's card tells of the others.
    turn.put(peers, device, { ...peer, endpoints: { ...endpoints, mailboxes } })
    turn.effect({ kind: 'endpoints', device })
  }
}
