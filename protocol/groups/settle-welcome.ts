// A newcomer's first look (SPEC.md §21): once every operation up to the one that added it is here,
// and the whole base table, the epoch is checked and kept, the log begins at the base, and the group
// is joined. Whoever sent the welcome needs no trust: the operations vouch for all of it.
import { type Bytes32, compareBytes, equalBytes, groupBaseHash } from '../../crypto/index.ts'
import { acceptBase } from '../log/base.ts'
import { epochs } from '../group/epoch-tables.ts'
import { type Step, type Turn, get } from '../step.ts'
import { announce } from './announce.ts'
import { stopAsking } from './ask.ts'
import { untie } from './co-members.ts'
import { followBoxes } from './consequences.ts'
import { keepGroupEpoch } from './grants.ts'
import { type GroupRecord, allGroups, groupOf, putGroup } from './group.ts'
import { uniqueGroupName } from './group-names.ts'
import type { Membership } from './membership.ts'
import { type PendingWelcome, baseTable, dropWelcome, pendingWelcome } from './pending-secrets.ts'
import { wantsCompare } from './sync-group.ts'
import { noteAdding } from './tell-adding.ts'

/** Joins a group whose welcome is complete. Most often there is none. */
export function* settleWelcome(turn: Turn, members: Membership): Step<void> {
  const { gid } = members
  const welcome = yield* pendingWelcome(gid)
  if (welcome === undefined) return
  const group = yield* groupOf(gid)
  const add = members.op(welcome.addOp)
  if (group === undefined || add === undefined) return
  if (welcome.secrets === undefined) return yield* settleSeeded(turn, members, group, welcome)
  if (add.payload.kind !== 'add') return
  const authors = yield* baseTable(welcome.addOp, welcome.pages)
  if (authors === undefined) return
  const rows = authors.map(({ author, ...row }) => ({ device: author, ...row }))
  dropWelcome(turn, gid, welcome)
  if (!equalBytes(groupBaseHash(turn.crypto, rows), add.payload.baseHash)) {
    turn.change({
      kind: 'warning',
      code: 'GROUP_WELCOME_FALSE',
      text: 'A welcome to a group does not agree with its operations: it was not taken.',
    })
    return
  }
  const source = { kind: 'secret', ...welcome.secrets } as const
  const outcome = yield* keepGroupEpoch(turn, members, welcome.addOp, source)
  if (outcome.kind === 'refused') {
    turn.change({
      kind: 'warning',
      code: 'GROUP_SECRET_CONFLICT',
      text: 'A key of a group is not the one its operation committed to: somebody gave out two. It is not used.',
    })
    return
  }
  const heads = add.payload.heads.toSorted((a, b) => compareBytes(a.id, b.id))
  yield* acceptBase(turn, gid, { conversation: gid, heads, authors }, { kind: 'member' })
  yield* enter(turn, members, group, welcome.addOp)
}

/**
 * Joins a group that somebody else than the adder takes us into: its seed is kept by now, and there is
 * no base. What was said before is closed by headers, and read as far as one was a member.
 */
function* settleSeeded(
  turn: Turn,
  members: Membership,
  group: GroupRecord,
  welcome: PendingWelcome,
): Step<void> {
  const { gid } = members
  const { addOp } = welcome
  if (!members.isMember || (yield* get(epochs, { group: gid, opId: addOp })) === undefined) return
  dropWelcome(turn, gid, welcome)
  const payload = members.op(addOp)?.payload
  if (payload?.kind === 'add') {
    const heads = payload.heads.toSorted((a, b) => compareBytes(a.id, b.id))
    yield* acceptBase(turn, gid, { conversation: gid, heads, authors: [] }, { kind: 'member' })
  }
  yield* enter(turn, members, group, addOp)
  yield* wantsCompare(turn, gid)
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
  putGroup(turn, { ...group, name, standing: 'joined', join: used, problem: '' })
  yield* followBoxes(turn, members)
  yield* announce(turn, members)
  turn.effect({ kind: 'group', gid: members.gid })
}
