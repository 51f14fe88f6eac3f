// A newcomer's first look (SPEC.md §21): once every operation up to the one that added it is here,
// and the whole base table, the epoch is checked and kept, the log begins at the base, and the group
// is joined. Who sent the welcome needs no trust: the operations vouch for all of it, and of several
// the first that they vouch for is taken.
import { type Bytes32, compareBytes, equalBytes } from '../../crypto/index.ts'
import type { BaseAuthor } from '../content/base.ts'
import { acceptBase } from '../log/base.ts'
import type { EntryRef } from '../log/header.ts'
import { epochs } from '../epochs/epoch-tables.ts'
import { groupEpochs } from '../membership/group-epochs.ts'
import { type Step, type Turn, get } from '../step.ts'
import { announce } from './announce.ts'
import { stopAsking } from './ask.ts'
import { untie } from './co-members.ts'
import { followBoxes } from './consequences.ts'
import { keepGroupEpoch } from './grants.ts'
import { baseHashOf } from './group-base.ts'
import { type GroupRecord, allGroups, groupOf, putGroup } from './group.ts'
import { uniqueGroupName } from './group-names.ts'
import type { Membership } from './membership.ts'
import { type PendingWelcome, baseTable, dropWelcome, pendingWelcomes } from './pending-welcomes.ts'
import { wantsCompare } from './sync-group.ts'
import { noteAdding } from './tell-adding.ts'

/** Joins a group of whose welcomes one is complete and true. Most often there are none. */
export function* settleWelcomes(turn: Turn, members: Membership): Step<void> {
  const { gid } = members
  const welcomes = yield* pendingWelcomes(gid)
  if (welcomes.length === 0) return
  const group = yield* groupOf(gid)
  if (group === undefined) return
  for (const welcome of welcomes) {
    const isTrue =
      welcome.secrets === undefined
        ? yield* settleSeeded(turn, members, welcome)
        : yield* settleWhole(turn, members, welcome, welcome.secrets)
    if (!isTrue) continue
    for (const one of welcomes) dropWelcome(turn, gid, one)
    yield* enter(turn, members, group, welcome.addOp)
    if (welcome.secrets === undefined) yield* wantsCompare(turn, gid)
    return
  }
}

/** Takes the epoch and the base of a welcome; false where it is not complete, or not true. */
function* settleWhole(
  turn: Turn,
  members: Membership,
  welcome: PendingWelcome,
  secrets: NonNullable<PendingWelcome['secrets']>,
): Step<boolean> {
  const { gid } = members
  const payload = members.op(welcome.addOp)?.payload
  if (payload === undefined) return false
  const authors = yield* baseTable(welcome)
  if (authors === undefined && payload.kind === 'add') return false
  // From here on it is either what takes us in, or nothing.
  dropWelcome(turn, gid, welcome)
  if (authors === undefined || payload.kind !== 'add') return false
  if (!equalBytes(baseHashOf(turn, authors), payload.baseHash)) {
    turn.change({
      kind: 'warning',
      code: 'GROUP_WELCOME_FALSE',
      text: 'A welcome to a group does not agree with its operations: it was not taken.',
    })
    return false
  }
  const source = { kind: 'secret', ...secrets } as const
  const outcome = yield* keepGroupEpoch(turn, members, welcome.addOp, source)
  if (outcome.kind === 'refused') {
    turn.change({
      kind: 'warning',
      code: 'GROUP_SECRET_CONFLICT',
      text: 'A key of a group is not the one its operation committed to: somebody gave out two. It is not used.',
    })
    return false
  }
  const isBack = wasIn(turn, members, welcome.addOp)
  yield* beginAt(turn, gid, payload.heads, isBack ? [] : authors)
  if (isBack) yield* wantsCompare(turn, gid)
  return true
}

/**
 * Whether our account was a member at any operation before this one. Then the log does not begin anew:
 * what was said to it before it was removed, and did not come until then, is missing still.
 */
function wasIn(turn: Turn, members: Membership, addOp: Bytes32): boolean {
  const { account: own } = turn.self
  for (const { op } of groupEpochs(members.dag)) {
    const { payload, account } = op
    const isIn =
      payload.kind === 'create'
        ? equalBytes(account, own)
        : payload.kind === 'add' && payload.newcomers.some((one) => equalBytes(one.account, own))
    if (isIn && members.isPast(addOp, op.id)) return true
  }
  return false
}

/**
 * Whether somebody else than the adder takes us in: its seed is kept by now, and there is no base. What
 * was said before is closed by headers, and read as far as one was a member.
 */
function* settleSeeded(turn: Turn, members: Membership, { addOp }: PendingWelcome): Step<boolean> {
  const { gid } = members
  if (!members.isMember || (yield* get(epochs, { group: gid, opId: addOp })) === undefined) {
    return false
  }
  const payload = members.op(addOp)?.payload
  if (payload?.kind === 'add') yield* beginAt(turn, gid, payload.heads, [])
  return true
}

/** The log begins at an add's heads, and for each author where a base says. */
function* beginAt(
  turn: Turn,
  gid: Bytes32,
  heads: readonly EntryRef[],
  authors: readonly BaseAuthor[],
): Step<void> {
  const ascending = heads.toSorted((a, b) => compareBytes(a.id, b.id))
  const base = { conversation: gid, heads: ascending, authors }
  yield* acceptBase(turn, gid, base, { kind: 'member' })
}

function* enter(turn: Turn, members: Membership, group: GroupRecord, opId: Bytes32): Step<void> {
  noteAdding(turn, members.gid, opId)
  yield* stopAsking(turn, group)
  const { join } = group
  if (join !== undefined) yield* untie(turn, join.account, join.inviteId)
  const others = yield* allGroups()
  const name = group.named ? group.name : uniqueGroupName(members.view.name, others, group)
  // Which link it was is kept, so that the same one is known again; its secret is not.
  const used = join === undefined ? undefined : { ...join, link: '' }
  // Removed before the welcome was complete: what was said until then is ours to read.
  const standing = members.isMember ? 'joined' : 'removed'
  putGroup(turn, { ...group, name, standing, join: used, problem: '' })
  yield* followBoxes(turn, members)
  if (standing === 'joined') yield* announce(turn, members)
  turn.effect({ kind: 'group', gid: members.gid })
}
