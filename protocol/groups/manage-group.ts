// What a user does with a group (SPEC.md §21): add, approve, reject, remove, give a role, rename,
// leave, rotate, change its relays. Each is one batch.
import { type Bytes32, equalBytes, type GroupRole } from '../../crypto/index.ts'
import { ProtocolError } from '../errors.ts'
import { knownDevices } from '../peers/known-devices.ts'
import type { Step, Turn } from '../step.ts'
import { addMembers, renew } from './add-members.ts'
import { untie } from './co-members.ts'
import { cutOf } from './cut.ts'
import { giveUpJoin } from './ask.ts'
import { type GroupRecord, groupByNumber, putGroup } from './group.ts'
import { checkGroupName } from './group-names.ts'
import { answerJoin } from './judge.ts'
import { type Membership, knownMembership } from './membership.ts'
import { issue, sendOps } from './operate.ts'
import { type PendingJoin, dropJoin, pendingJoinOf } from './pending-joins.ts'

const NOT_IN: Readonly<Record<GroupRecord['standing'], string>> = {
  joining: 'you are not in this group yet',
  joined: 'the first operation of this group is not here',
  left: 'you left this group',
  removed: 'you were removed from this group',
  refused: 'this group did not let you in',
}

/** The membership of a group that one is in. Throws ERR_PROTOCOL_GROUP. */
export function* joinedMembership(turn: Turn, { gid, standing }: GroupRecord): Step<Membership> {
  if (gid === undefined || standing !== 'joined') {
    throw new ProtocolError('ERR_PROTOCOL_GROUP', NOT_IN[standing], { detail: { standing } })
  }
  return yield* knownMembership(turn, gid)
}

/** Adds an account whose device list is known. */
export function* addToGroup(turn: Turn, group: GroupRecord, account: Bytes32): Step<void> {
  const members = yield* joinedMembership(turn, group)
  if (members.roleOf(account) !== undefined) {
    throw new ProtocolError('ERR_PROTOCOL_FORBIDDEN', 'is a member already', {
      detail: { reason: 'member' },
    })
  }
  yield* addMembers(turn, members, [{ account, inviteHash: undefined }])
}

function* waitingJoin(turn: Turn, gid: Bytes32, account: Bytes32): Step<PendingJoin> {
  const join = yield* pendingJoinOf(turn, gid, account)
  if (join === undefined) {
    throw new ProtocolError('ERR_PROTOCOL_UNKNOWN', 'nobody of that name waits to be let in')
  }
  return join
}

/** Lets somebody in who asked to join. */
export function* approveJoin(turn: Turn, group: GroupRecord, account: Bytes32): Step<void> {
  const members = yield* joinedMembership(turn, group)
  const { inviteId, ours } = yield* waitingJoin(turn, members.gid, account)
  const inviteHash = turn.crypto.sha256(inviteId)
  yield* addMembers(turn, members, [{ account, inviteHash }])
  if (!ours) return
  for (const { device } of yield* knownDevices(account)) {
    yield* answerJoin(turn, { device, inviteId }, 'accepted', members.gid)
  }
}

/** Turns somebody down who asked to join. */
export function* rejectJoin(turn: Turn, group: GroupRecord, account: Bytes32): Step<void> {
  const members = yield* joinedMembership(turn, group)
  const { number, inviteId, ours } = yield* waitingJoin(turn, members.gid, account)
  dropJoin(turn, members.gid, number)
  putGroup(turn, group)
  if (ours) {
    for (const { device } of yield* knownDevices(account)) {
      yield* answerJoin(turn, { device, inviteId }, 'refused', members.gid)
    }
  }
  if (members.roleOf(account) === undefined) yield* untie(turn, account, members.gid)
}

/** Removes an account: everything of it that is held stands, and nothing later. */
export function* removeFromGroup(turn: Turn, group: GroupRecord, account: Bytes32): Step<void> {
  const members = yield* joinedMembership(turn, group)
  if (equalBytes(account, turn.self.account)) return yield* leaveGroup(turn, group)
  const target = members.view.member(account)
  if (target === undefined) {
    throw new ProtocolError('ERR_PROTOCOL_UNKNOWN', 'is no member of this group')
  }
  const cut = yield* cutOf(turn, members.gid, target.devices)
  const { op } = yield* issue(turn, members, { kind: 'remove', target: account, cut, reason: 0 })
  // It reads the old mailbox no more, perhaps: its removal is told to its devices themselves.
  for (const device of target.devices) yield* sendOps(turn, members.gid, device, [op])
}

/**
 * Leaves: others make new keys. A join that nobody answered, or that was refused, is given up. Throws
 * ERR_PROTOCOL_ROLE (last-owner) where nobody could lead.
 */
export function* leaveGroup(turn: Turn, group: GroupRecord): Step<void> {
  if (group.standing === 'joining' || group.standing === 'refused') {
    return yield* giveUpJoin(turn, group)
  }
  const members = yield* joinedMembership(turn, group)
  const others = members.members.filter(({ account }) => !equalBytes(account, turn.self.account))
  const isOwner = members.self?.role === 2
  if (isOwner && others.length > 0 && others.every(({ role }) => role !== 2)) {
    throw new ProtocolError('ERR_PROTOCOL_ROLE', 'you are the last owner', {
      detail: { reason: 'last-owner' },
    })
  }
  const cut = yield* cutOf(turn, members.gid, members.self?.devices ?? [turn.self.device])
  yield* issue(turn, members, { kind: 'leave', cut })
}

/** Throws ERR_PROTOCOL_ROLE (last-owner) where the group would have no owner. */
export function* giveRole(
  turn: Turn,
  group: GroupRecord,
  account: Bytes32,
  role: GroupRole,
): Step<void> {
  const members = yield* joinedMembership(turn, group)
  if (members.roleOf(account) === role) return
  const owners = members.members.filter((member) => member.role === 2)
  const isOwn = equalBytes(account, turn.self.account)
  // Anybody else lacks the authority, which `issue` says.
  if (isOwn && members.self?.role === 2 && owners.length === 1) {
    throw new ProtocolError('ERR_PROTOCOL_ROLE', 'the group needs an owner', {
      detail: { reason: 'last-owner' },
    })
  }
  yield* issue(turn, members, { kind: 'role', target: account, role })
}

/** Gives the group another name, for everybody. */
export function* renameGroup(turn: Turn, group: GroupRecord, wanted: string): Step<void> {
  const name = checkGroupName(wanted)
  const members = yield* joinedMembership(turn, group)
  if (members.view.name === name) return
  yield* issue(turn, members, { kind: 'meta', name, settings: undefined })
}

/** New keys for everybody. */
export function* rotateGroup(turn: Turn, group: GroupRecord): Step<void> {
  yield* renew(turn, yield* joinedMembership(turn, group))
}

/** The record as it is now; as left where it was taken off the list. */
export function* rereadGroup(group: GroupRecord): Step<GroupRecord> {
  const now = yield* groupByNumber(group.number)
  return now ?? { ...group, standing: 'left', problem: '' }
}
