// What follows here from operations that were taken in: whom we talk to, what we hold keys of, where
// we read and write, how we ourselves stand (SPEC.md §21). In the batch of the operations.
import {
  type Bytes32,
  type DeviceList,
  type GroupOp,
  equalBytes,
  toHex,
  isDerivedOp,
} from '../../crypto/index.ts'
import { followDevices } from '../delivery/follow-devices.ts'
import { lineagesOf } from '../epochs/held-lineages.ts'
import { REMOVED_SERVED_MS } from '../group-limits.ts'
import { adoptDeviceList } from '../peers/device-lists.ts'
import { groupMailboxKeys } from '../relay/mailbox-keys.ts'
import type { Step, Turn } from '../step.ts'
import { announce } from './announce.ts'
import { continueRecord } from './ask.ts'
import { boxesOf, putBox } from './boxes.ts'
import { tie } from './co-members.ts'
import { endEarlyRequest } from './early-member.ts'
import { keepGroupEpoch } from './grants.ts'
import { type GroupRecord, allGroups, groupOf, putGroup } from './group.ts'
import { uniqueGroupName } from './group-names.ts'
import { groupOutboxSize } from './group-outbox.ts'
import { meetMemberDevice, watchMember } from './member-devices.ts'
import type { Membership } from './membership.ts'
import { dropJoin, pendingJoinOf } from './pending-joins.ts'

function listsOf({ payload }: GroupOp): readonly DeviceList[] {
  if (payload.kind === 'add') return payload.newcomers.map(({ list }) => list)
  return payload.kind === 'create' || payload.kind === 'devices' ? [payload.list] : []
}

/** Applies accepted operations; each follows its past. */
export function* followOperations(
  turn: Turn,
  members: Membership,
  accepted: readonly GroupOp[],
): Step<void> {
  if (accepted.length === 0) return
  for (const op of accepted) {
    yield* followLists(turn, op)
    if (isDerivedOp(op.payload)) yield* keepGroupEpoch(turn, members, op.id, { kind: 'parent' })
    yield* followDepartures(turn, members, op)
    yield* followAdds(turn, members, op)
  }
  yield* followMembers(turn, members)
  yield* followStanding(turn, members, accepted)
  yield* followBoxes(turn, members)
  turn.effect({ kind: 'group', gid: members.gid })
}

/** Device lists travel inside operations: what a group says of an account holds everywhere. */
function* followLists(turn: Turn, op: GroupOp): Step<void> {
  for (const list of listsOf(op)) {
    if (equalBytes(list.account, turn.self.account)) continue
    if ((yield* adoptDeviceList(turn, list)) === 'adopted') yield* followDevices(turn, list.account)
  }
}

/** Who left is still served its removal. */
function* followDepartures(turn: Turn, members: Membership, op: GroupOp): Step<void> {
  const { payload } = op
  const gone =
    payload.kind === 'remove' ? payload.target : payload.kind === 'leave' ? op.account : undefined
  if (gone === undefined || members.roleOf(gone) !== undefined) return
  yield* tie(turn, gone, members.gid, turn.safeNowMs + REMOVED_SERVED_MS)
}

/** Who was let in waits no more, whoever did it. */
function* followAdds(turn: Turn, { gid }: Membership, { payload }: GroupOp): Step<void> {
  if (payload.kind !== 'add') return
  for (const { account } of payload.newcomers) {
    const join = yield* pendingJoinOf(turn, gid, account)
    if (join !== undefined) dropJoin(turn, gid, join.number)
  }
}

function* followMembers(turn: Turn, members: Membership): Step<void> {
  const gone = !members.isMember
  for (const { account, devices } of members.members) {
    if (equalBytes(account, turn.self.account)) {
      for (const device of devices) yield* watchOwn(turn, members, device)
      continue
    }
    // Removed ourselves, we hear for a while who may take us back.
    yield* tie(turn, account, members.gid, gone ? turn.safeNowMs + REMOVED_SERVED_MS : 0)
    if (!gone) yield* endEarlyRequest(turn, account)
    for (const device of devices) {
      yield* meetMemberDevice(turn, account, device)
      if (!gone) yield* watchMember(turn, members.gid, device)
    }
  }
}

/** Another device of one's own account needs a welcome like anybody's. */
function* watchOwn(turn: Turn, members: Membership, device: Bytes32): Step<void> {
  if (!members.isMember || equalBytes(device, turn.self.device)) return
  yield* meetMemberDevice(turn, turn.self.account, device)
  yield* watchMember(turn, members.gid, device)
}

/** Our own standing, and what the group is called here. */
function* followStanding(
  turn: Turn,
  members: Membership,
  accepted: readonly GroupOp[],
): Step<void> {
  const group = yield* groupOf(members.gid)
  if (group === undefined || group.standing === 'joining') return
  if (group.standing !== 'joined' && members.isMember) {
    const asked = yield* askedFor(turn, accepted)
    // The answer to our question and the welcome are still on their way: we are in with the latter.
    if (asked !== undefined) return yield* continueRecord(turn, group, asked)
  }
  const standing = members.isMember ? ('joined' as const) : ownEnd(turn, group, accepted)
  const { name: wanted } = members.view
  const renamed = !group.named && accepted.some(({ payload }) => payload.kind === 'meta')
  const name = renamed ? uniqueGroupName(wanted, yield* allGroups(), group) : group.name
  putGroup(turn, { ...group, standing, name })
  if (standing === 'joined') yield* announce(turn, members)
}

/** The join of ours that one of these operations answers. */
function* askedFor(turn: Turn, accepted: readonly GroupOp[]): Step<GroupRecord | undefined> {
  const hashes = accepted.flatMap(({ payload }) =>
    payload.kind === 'add'
      ? payload.newcomers
          .filter(({ account }) => equalBytes(account, turn.self.account))
          .flatMap(({ inviteHash }) => (inviteHash === undefined ? [] : [inviteHash]))
      : [],
  )
  if (hashes.length === 0) return undefined
  return (yield* allGroups()).find(({ standing, join }) => {
    if (standing !== 'joining' || join === undefined) return false
    const own = turn.crypto.sha256(join.inviteId)
    return hashes.some((hash) => equalBytes(hash, own))
  })
}

function ownEnd(turn: Turn, group: GroupRecord, accepted: readonly GroupOp[]): 'left' | 'removed' {
  if (group.standing === 'left') return 'left'
  const left = accepted.some(
    ({ payload, account }) => payload.kind === 'leave' && equalBytes(account, turn.self.account),
  )
  return left ? 'left' : 'removed'
}

/** A mailbox for each lineage that is held, at each relay that is read. */
export function* followBoxes(turn: Turn, members: Membership): Step<void> {
  const { gid } = members
  const known = new Map(
    (yield* boxesOf(gid)).map((box) => [toHex(box.lineage) + toHex(box.serviceKey), box]),
  )
  // One's own leave is still to be deposited.
  const hasSay = members.isMember || (yield* groupOutboxSize(gid)) > 0
  const written = hasSay ? members.writtenRelays : []
  const writes = (serviceKey: Bytes32): boolean =>
    written.some((relay) => equalBytes(relay.serviceKey, serviceKey))
  for (const lineage of yield* lineagesOf(gid)) {
    const ours = members.op(lineage.opId)?.device
    for (const { serviceKey, addresses } of members.readRelays) {
      const key = toHex(lineage.opId) + toHex(serviceKey)
      const before = known.get(key)
      known.delete(key)
      const { mailboxId } = groupMailboxKeys(turn.crypto, serviceKey, lineage.secret)
      const isWritten = writes(serviceKey)
      if (before?.writes === isWritten && sameAddresses(before.addresses, addresses)) continue
      putBox(turn, {
        gid,
        lineage: lineage.opId,
        serviceKey,
        addresses,
        mailboxId,
        writes: isWritten,
        ours: ours !== undefined && equalBytes(ours, turn.self.device),
        cursor: before?.cursor,
        drainedAtMs: before?.drainedAtMs ?? 0,
        closedAtMs: isWritten ? 0 : before?.closedAtMs || turn.safeNowMs,
      })
    }
  }
  // Relays that carry the group no more: read to their end, written no more.
  for (const box of known.values()) {
    if (box.writes) putBox(turn, { ...box, writes: false, closedAtMs: turn.safeNowMs })
  }
}

function sameAddresses(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((address, i) => address === b[i])
}
