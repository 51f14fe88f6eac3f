// Somebody asks to join by a link of ours (SPEC.md §21): this device, which made the link, judges it.
// The answer is a numbered frame, so it comes once and surely; the add, its welcome and the answer
// are one batch.
import { type Bytes16, type Bytes32, equalBytes, openDeviceList } from '../../crypto/index.ts'
import { groupInviteNamed } from '../contacts/admission.ts'
import { type OwnInvite, claimInvite, judgeInvite } from '../contacts/invite.ts'
import { joinPendingFrame } from '../content/group-member.ts'
import type { Intro } from '../content/intro.ts'
import { type JoinState, joinAckFrame } from '../content/join-ack.ts'
import { frameOf } from '../content/kind.ts'
import { controlFrame, sendControl } from '../delivery/control.ts'
import { ProtocolError } from '../errors.ts'
import { JOINS_PENDING_MS } from '../group-limits.ts'
import { deviceLists } from '../peers/device-lists.ts'
import { type Peer, peers } from '../peers/peer.ts'
import { encodeRecord, orEmpty, readRecord } from '../record.ts'
import type { OpenedInner } from '../session/open-outcome.ts'
import { type Step, type Table, type Turn, get } from '../step.ts'
import { addFault, addMembers } from './add-members.ts'
import { carryWaiting } from './carry.ts'
import { tie } from './co-members.ts'
import { groupOf, putGroup } from './group.ts'
import { noteMemberName } from './member-devices.ts'
import { type Membership, membershipOf } from './membership.ts'
import { signOwnControl, waitingControls } from './own-control.ts'
import { keepJoin } from './pending-joins.ts'

interface Answered {
  /** Number of the frame that answers. */
  readonly c: number
  /** The session that it was asked on; undefined where an admin decided later. */
  readonly sid: Bytes16 | undefined
}

/** The last answer to a device, by invite. */
const answers: Table<{ device: Bytes32; inviteId: Bytes16 }, Answered> = {
  name: 'join-answers',
  sealing: 'value',
  place: ({ device, inviteId }) => ({ owner: device, order: inviteId }),
  encode: ({ c, sid }) => encodeRecord([c, orEmpty(sid)]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'join answer')
    return { c: fields.uint('c'), sid: fields.optional('sid', 16) }
  },
}

/**
 * Whether an answer is on its way: until it came, every message of a session asks again. Who asks on
 * another session has the answer and asks anew.
 */
function* isAnswered(device: Bytes32, inviteId: Bytes16, sid: Bytes16): Step<boolean> {
  const last = yield* get(answers, { device, inviteId })
  if (last === undefined || (last.sid !== undefined && !equalBytes(last.sid, sid))) return false
  return (yield* controlFrame(device, last.c)) !== undefined
}

interface Asker {
  readonly peer: Peer
  readonly opened: OpenedInner
  /** When a relay stored the question, Unix s; undefined on a direct stream. */
  readonly storedAtS: number | undefined
}

/** Judges the join that an intro asks for; whether it asked for one. */
export function* takeJoinIntro(turn: Turn, asker: Asker, intro: Intro | undefined): Step<boolean> {
  const { account, device, sid, transcript } = asker.opened
  const invite = yield* groupInviteNamed(turn, intro, transcript)
  if (invite === undefined) return false
  const { inviteId, group } = invite
  if (yield* isAnswered(device, inviteId, sid)) return true
  const members = yield* membershipOf(turn, group.gid)
  const verdict = yield* judge(turn, invite, members, asker)
  if (verdict !== 'accepted' || members === undefined) {
    yield* answerJoin(turn, { device, inviteId, sid }, verdict, group.gid)
    return true
  }
  if (members.roleOf(account) !== undefined) {
    yield* answerJoin(turn, { device, inviteId, sid }, 'accepted', group.gid)
    return true
  }
  const waits = members.setting('approval') || group.approve
  const fault = waits ? undefined : yield* addFault(turn, members, account)
  if (fault !== undefined) {
    yield* answerJoin(turn, { device, inviteId, sid }, fault, group.gid)
    return true
  }
  claimInvite(turn, invite, account)
  noteMemberName(turn, account, intro?.name ?? '')
  if (waits) {
    const state = yield* waitForAdmin(turn, members, invite, asker.opened, intro?.name ?? '')
    yield* answerJoin(turn, { device, inviteId, sid }, state, group.gid)
    return true
  }
  yield* answerJoin(turn, { device, inviteId, sid }, 'accepted', group.gid)
  const inviteHash = turn.crypto.sha256(inviteId)
  yield* addMembers(turn, members, [{ account, inviteHash }])
  return true
}

function* judge(
  turn: Turn,
  invite: OwnInvite & { readonly group: { readonly gid: Bytes32 } },
  members: Membership | undefined,
  { opened, storedAtS }: Asker,
): Step<JoinState> {
  const group = yield* groupOf(invite.group.gid)
  if (group?.standing !== 'joined' || members === undefined) return 'refused'
  const nowS = Math.floor(turn.nowMs / 1000)
  const verdict = judgeInvite(invite, opened.account, Math.min(storedAtS ?? nowS, nowS))
  if (verdict === 'expired' || verdict === 'used') return verdict
  if (verdict !== 'accepted') return 'refused'
  const isIn = members.roleOf(opened.account) !== undefined
  if (!isIn && !invite.reusable && wasUsed(turn, members, invite.inviteId)) return 'used'
  // Who was removed does not come back by the link it came by.
  if (!isIn && wasRemoved(members, invite, opened.account)) return 'used'
  const role = members.self?.role ?? 0
  const mayAdd = role > 0 || members.setting('membersAdd')
  if (!mayAdd && !members.setting('approval')) return 'refused'
  if (isIn) return 'accepted'
  // An add may need new keys before it.
  return members.members.length >= members.limit || !members.allows('add', 1) ? 'full' : 'accepted'
}

/** Whether somebody used this invite before, and was removed by others since. */
function wasRemoved(members: Membership, invite: OwnInvite, account: Bytes32): boolean {
  if (!invite.claims.some((claim) => equalBytes(claim.account, account))) return false
  return members.dag.history.nodes.some(
    ({ op }) =>
      op.payload.kind === 'remove' &&
      equalBytes(op.payload.target, account) &&
      !members.isVoid(op.id),
  )
}

/** Whether an add that stands names the invite: also where the claim was lost (J5). */
function wasUsed(turn: Turn, members: Membership, inviteId: Bytes16): boolean {
  const hash = turn.crypto.sha256(inviteId)
  return members.dag.history.nodes.some(({ op }) => {
    if (op.payload.kind !== 'add' || members.isVoid(op.id)) return false
    return op.payload.newcomers.some(
      ({ inviteHash }) => inviteHash !== undefined && equalBytes(inviteHash, hash),
    )
  })
}

/** Answers a join, once and surely; also one that waited. */
export function* answerJoin(
  turn: Turn,
  asked: { readonly device: Bytes32; readonly inviteId: Bytes16; readonly sid?: Bytes16 },
  state: JoinState,
  gid: Bytes32,
): Step<void> {
  const { device, inviteId, sid } = asked
  const peer = yield* get(peers, device)
  if (peer === undefined) return
  turn.put(answers, { device, inviteId }, { c: peer.numberedSent + 1, sid })
  const group = state === 'pending' || state === 'accepted' ? gid : undefined
  yield* sendControl(turn, peer, (c) => frameOf(joinAckFrame, { c, inviteId, state, group }))
}

/** The join waits, here and at every other admin. */
function* waitForAdmin(
  turn: Turn,
  members: Membership,
  { inviteId }: OwnInvite,
  { account, device }: OpenedInner,
  name: string,
): Step<JoinState> {
  const { gid } = members
  if (!(yield* keepJoin(turn, gid, { account, inviteId, name, ours: true }))) return 'full'
  yield* tie(turn, account, gid, turn.safeNowMs + JOINS_PENDING_MS)
  const group = yield* groupOf(gid)
  if (group !== undefined) putGroup(turn, group)
  const list = (yield* get(deviceLists, account))?.bytes
  const mailboxes = (yield* get(peers, device))?.endpoints.mailboxes ?? []
  if (list === undefined) {
    throw new ProtocolError('ERR_PROTOCOL_STATE', 'a session with an account without a list')
  }
  const { account: listed } = openDeviceList(turn.crypto, list)
  const value = { inviteId, account: listed, list, name, mailboxes }
  const frame = yield* signOwnControl(turn, gid, joinPendingFrame, value)
  turn.put(waitingControls, { gid, kind: frame.kind }, { frame })
  yield* carryWaiting(turn, members)
  return 'pending'
}
