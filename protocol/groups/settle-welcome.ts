// A newcomer's first look (SPEC.md §21): once every operation up to the one that added it is here,
// and the whole base table, the epoch is checked and kept, the log begins at the base, and the group
// is joined. Whoever sent the welcome needs no trust: the operations vouch for all of it.
import { compareBytes, equalBytes, groupBaseHash } from '../../crypto/index.ts'
import { acceptBase } from '../log/base.ts'
import type { Step, Turn } from '../step.ts'
import { stopAsking } from './ask.ts'
import { untie } from './co-members.ts'
import { followBoxes } from './consequences.ts'
import { keepGroupEpoch } from './grants.ts'
import { type GroupRecord, allGroups, groupOf, putGroup } from './group.ts'
import { uniqueGroupName } from './group-names.ts'
import type { Membership } from './membership.ts'
import { baseTable, dropWelcome, pendingWelcome } from './pending-secrets.ts'

/** Joins a group whose welcome is complete. Most often there is none. */
export function* settleWelcome(turn: Turn, members: Membership): Step<void> {
  const { gid } = members
  const welcome = yield* pendingWelcome(gid)
  if (welcome === undefined) return
  const group = yield* groupOf(gid)
  const add = members.op(welcome.addOp)
  if (group === undefined || add?.payload.kind !== 'add') return
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
  const source = {
    kind: 'secret',
    epoch: welcome.epoch,
    lineage: welcome.lineage,
  } as const
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
  yield* enter(turn, members, group)
}

function* enter(turn: Turn, members: Membership, group: GroupRecord): Step<void> {
  yield* stopAsking(turn, group)
  const { join } = group
  if (join !== undefined) yield* untie(turn, join.account, join.inviteId)
  const others = yield* allGroups()
  const name = group.named ? group.name : uniqueGroupName(members.view.name, others, group)
  // Which link it was is kept, so that the same one is known again; its secret is not.
  const used = join === undefined ? undefined : { ...join, link: '' }
  putGroup(turn, { ...group, name, standing: 'joined', join: used, problem: '' })
  yield* followBoxes(turn, members)
  turn.effect({ kind: 'group', gid: members.gid })
}
