// Control objects inside group messages (SPEC.md §20.5, §21): where a device is reached, who waits to
// be let in, what a device holds. Their signatures hold, and they are new.
import { type Bytes32, CryptoError, equalBytes, openDeviceList } from '../../crypto/index.ts'
import type { JoinPending } from '../content/group-member.ts'
import { followDevices } from '../delivery/follow-devices.ts'
import type { GroupControl } from '../epochs/examine-message.ts'
import { JOINS_PENDING_MS } from '../group-limits.ts'
import { adoptDeviceList } from '../peers/device-lists.ts'
import type { Step, Turn } from '../step.ts'
import { tie } from './co-members.ts'
import { takeFrontier, takeFrontierRequest } from './frontiers.ts'
import { groupOf, putGroup } from './group.ts'
import { heardSource } from './heard-source.ts'
import { learnMember, memberName, noteMemberName } from './member-devices.ts'
import type { Membership } from './membership.ts'
import { keepJoin } from './pending-joins.ts'
import { learnWhere, namesNoInvite } from './tell-where.ts'

export function* takeControl(
  turn: Turn,
  members: Membership,
  device: Bytes32,
  control: GroupControl,
): Step<void> {
  yield* heardSource(turn, members, device)
  switch (control.kind) {
    case 'member':
      return yield* learnMember(turn, members, device, control)
    case 'join-pending':
      return yield* takeJoinPending(turn, members, device, control.value)
    case 'frontier':
      return yield* takeFrontier(turn, members, device, control.value)
    case 'frontier-request':
      return yield* takeFrontierRequest(turn, members, device, control.value)
  }
}

/** Somebody waits at another member: an admin here may let it in. */
function* takeJoinPending(
  turn: Turn,
  members: Membership,
  device: Bytes32,
  pending: JoinPending,
): Step<void> {
  const { inviteId, account, list, name } = pending
  if (members.accountOf(device) === undefined || equalBytes(account, turn.self.account)) return
  const isWhere = namesNoInvite(pending)
  if (!isWhere && members.roleOf(account) !== undefined) return
  try {
    const opened = openDeviceList(turn.crypto, list)
    if (opened.account.some((byte, i) => byte !== account[i])) return
    yield* adoptDeviceList(turn, opened)
    yield* learnWhere(turn, pending)
  } catch (error) {
    if (error instanceof CryptoError) return
    throw error
  }
  if (isWhere) yield* followDevices(turn, account)
  else if (!(yield* keepJoin(turn, members.gid, { account, inviteId, name, ours: false }))) return
  // Its own word of itself, where it was heard, is worth more.
  if ((yield* memberName(account)) === '') noteMemberName(turn, account, name)
  if (isWhere) return
  yield* tie(turn, account, members.gid, turn.safeNowMs + JOINS_PENDING_MS)
  const group = yield* groupOf(members.gid)
  if (group !== undefined) putGroup(turn, group)
}
