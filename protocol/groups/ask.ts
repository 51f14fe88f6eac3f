// Asking to join a group by its link (SPEC.md §21): the group stands as `joining` at once, the bundle
// behind the link is fetched when it can be, and an intro with the link's invite goes out until the
// device that made it answers. Nobody becomes anybody's contact by it.
import {
  type Bytes32,
  type InviteLink,
  equalBytes,
  inviteId,
  parseInviteLink,
} from '../../crypto/index.ts'
import { introFor } from '../contacts/intro-frame.ts'
import { dequeue, eachItem, enqueue } from '../delivery/outbox.ts'
import { ProtocolError } from '../errors.ts'
import type { Frame } from '../frames.ts'
import { GROUPS_MAX, JOIN_LIFE_MS } from '../group-limits.ts'
import type { Peer } from '../peers/peer.ts'
import type { Step, Turn } from '../step.ts'
import { tie, untie } from './co-members.ts'
import {
  type GroupRecord,
  allGroups,
  forgetGroup,
  groupByNumber,
  newGroup,
  putGroup,
} from './group.ts'
import { uniqueGroupName } from './group-names.ts'
import { membershipOf } from './membership.ts'

/** What a group is called until it tells its name. */
const STAND_IN = 'group'

/**
 * Begins to join. Asking again by the same link changes nothing. Throws InviteLinkError for a bad
 * link, ERR_PROTOCOL_INVITE for one's own, an expired one, or one that joins no group.
 */
export function* askToJoin(turn: Turn, linkText: string, name?: string): Step<GroupRecord> {
  const link = parseInviteLink(turn.crypto, linkText)
  if (!link.group) throw inviteError('this link makes a contact: it joins no group', 'contact')
  if (equalBytes(link.account, turn.self.account)) {
    throw inviteError('this is an invite of your own', 'own')
  }
  const id = inviteId(turn.crypto, link.secret)
  const groups = yield* allGroups()
  const ofLink = groups.filter(({ join }) => join !== undefined && equalBytes(join.inviteId, id))
  // One that was left or taken from us keeps its record: coming back begins with one of its own.
  const before = ofLink.find(({ standing }) => standing === 'joining' || standing === 'refused')
  if (before?.standing === 'joining') return before
  const joined = ofLink.find(({ standing }) => standing === 'joined')
  if (joined !== undefined) throw inviteError(`you are in this group: #${joined.name}`, 'member')
  if (Math.floor(turn.nowMs / 1000) > link.expiresAtS) {
    throw inviteError('this invite has expired', 'expired')
  }
  if (groups.length >= GROUPS_MAX) {
    throw new ProtocolError('ERR_PROTOCOL_LIMIT', 'too many groups', {
      detail: { reason: 'groups', max: GROUPS_MAX },
    })
  }
  const join = {
    account: link.account,
    link: linkText,
    inviteId: id,
    claim: turn.random(16),
    device: undefined,
    askedAtMs: turn.safeNowMs,
  }
  yield* tie(turn, link.account, id, turn.safeNowMs + JOIN_LIFE_MS)
  const group =
    before === undefined
      ? yield* newGroup(turn, {
          gid: undefined,
          name: uniqueGroupName(name ?? STAND_IN, groups),
          named: name !== undefined,
          standing: 'joining',
          join,
        })
      : { ...before, standing: 'joining' as const, join, problem: '' }
  if (before !== undefined) putGroup(turn, group)
  turn.effect({ kind: 'group-join', number: group.number })
  return group
}

function inviteError(message: string, reason: string): ProtocolError {
  return new ProtocolError('ERR_PROTOCOL_INVITE', message, { detail: { reason } })
}

/** A join whose first message is not out yet, and its link. */
export interface OpenJoin {
  readonly group: GroupRecord
  readonly link: InviteLink
  readonly claim: Uint8Array
}

function openJoin(turn: Pick<Turn, 'crypto'>, group: GroupRecord): OpenJoin | undefined {
  const { join, standing } = group
  if (standing !== 'joining' || join === undefined || join.device !== undefined) return undefined
  return { group, link: parseInviteLink(turn.crypto, join.link), claim: join.claim }
}

/** The join of a group, while the bundle behind its link is not here. */
export function* openJoinOf(
  turn: Pick<Turn, 'crypto'>,
  number: number,
): Step<OpenJoin | undefined> {
  const group = yield* groupByNumber(number)
  return group === undefined ? undefined : openJoin(turn, group)
}

/** All of them: what a start takes up again. */
export function* openJoins(turn: Pick<Turn, 'crypto'>): Step<readonly OpenJoin[]> {
  return (yield* allGroups()).flatMap((group) => openJoin(turn, group) ?? [])
}

/** The bundle behind a link came: the device that made it is asked. */
export function* askDevice(turn: Turn, account: Bytes32, device: Bytes32): Step<void> {
  for (const { group } of yield* openJoins(turn)) {
    const { join } = group
    if (join === undefined || !equalBytes(join.account, account)) continue
    putGroup(turn, { ...group, join: { ...join, device } })
    yield* enqueue(turn, device, { kind: 'join', group: group.number })
  }
}

/**
 * We are reached elsewhere than before: who was asked is asked again, for the question says where
 * answers go. One that was asked before the first mailbox was there could not answer at all.
 */
export function* askAgain(turn: Turn): Step<void> {
  for (const group of yield* allGroups()) {
    const device = group.standing === 'joining' ? group.join?.device : undefined
    // Once the group was told an answer has come.
    if (device === undefined || group.gid !== undefined) continue
    yield* stopAsking(turn, group)
    yield* enqueue(turn, device, { kind: 'join', group: group.number })
  }
}

/** Whether a join still waits for its answer. */
export function* isAsking(number: number): Step<boolean> {
  return (yield* groupByNumber(number))?.standing === 'joining'
}

/** The intro that asks, for a device that was heard before: later messages carry none by themselves. */
export function* joinFrames(
  turn: Turn,
  number: number,
  peer: Peer,
  transcript: Bytes32,
): Step<readonly Frame[]> {
  const join = (yield* groupByNumber(number))?.join
  if (join === undefined) return []
  const { secret } = parseInviteLink(turn.crypto, join.link)
  const invite = { inviteId: join.inviteId, secret, claim: join.claim, mailbox: undefined }
  return [yield* introFor(turn, { ...peer, invite }, transcript)]
}

/** The join was answered, one way or the other: it is asked no more. */
export function* stopAsking(turn: Turn, group: GroupRecord): Step<void> {
  const device = group.join?.device
  if (device === undefined) return
  yield* eachItem(device, function* (item) {
    if (item.content.kind !== 'join' || item.content.group !== group.number) return
    yield* dequeue(turn, item)
  })
}

/** A link that will not work: its user is told, the group stays listed. */
export function* failJoin(turn: Turn, number: number, problem: string): Step<void> {
  const group = yield* groupByNumber(number)
  if (group?.standing !== 'joining') return
  yield* endJoin(turn, group)
  // Who was in it before stands where it stood: what was said then can be read.
  putGroup(turn, { ...group, standing: (yield* wentOut(turn, group)) ?? 'refused', problem })
}

function* endJoin(turn: Turn, group: GroupRecord): Step<void> {
  yield* stopAsking(turn, group)
  if (group.join !== undefined) yield* untie(turn, group.join.account, group.join.inviteId)
}

/** How one went out of a group that one was in before; undefined of one that is new. */
function* wentOut(turn: Turn, { gid }: GroupRecord): Step<'left' | 'removed' | undefined> {
  const members = gid === undefined ? undefined : yield* membershipOf(turn, gid)
  const own = turn.self.account
  let out: 'left' | 'removed' | undefined
  for (const { op } of members?.dag.history.nodes ?? []) {
    const { payload } = op
    if (payload.kind === 'leave' && equalBytes(op.account, own)) out = 'left'
    if (payload.kind === 'remove' && equalBytes(payload.target, own)) out = 'removed'
  }
  return out
}

/** A join that its user gives up, or that was refused: off the list, unless there is a history. */
export function* giveUpJoin(turn: Turn, group: GroupRecord): Step<void> {
  yield* endJoin(turn, group)
  const standing = yield* wentOut(turn, group)
  if (standing === undefined) yield* forgetGroup(turn, group)
  else putGroup(turn, { ...group, standing, problem: '' })
}

/** What was asked for is a group that one was in before: its record goes on, as the one that asks. */
export function* continueRecord(turn: Turn, known: GroupRecord, asked: GroupRecord): Step<void> {
  yield* stopAsking(turn, asked)
  putGroup(turn, { ...known, standing: 'joining', join: asked.join, problem: '' })
  putGroup(turn, { ...asked, gid: undefined, standing: 'refused', problem: 'SAME_GROUP' })
  if (known.gid !== undefined) turn.effect({ kind: 'group', gid: known.gid })
}
