// A welcome on its way in (SPEC.md §21.3): kept until the operations are here that it rests on.
import { type Bytes32, type GroupOp, equalBytes } from '../../crypto/index.ts'
import { contactOf, isAccepted } from '../contacts/contact.ts'
import type { GroupWelcome } from '../content/group-welcome.ts'
import { GROUPS_MAX, JOIN_LIFE_MS } from '../group-limits.ts'
import type { OpenedInner } from '../session/open-outcome.ts'
import type { Step, Turn } from '../step.ts'
import { stopAsking } from './ask.ts'
import { tie } from './co-members.ts'
import { allGroups, groupOf, newGroup, putGroup } from './group.ts'
import { uniqueGroupName } from './group-names.ts'
import { membershipOf } from './membership.ts'
import { keepWelcome, putBasePage, welcomeOf } from './pending-welcomes.ts'
import { settleWelcomes } from './settle-welcome.ts'
import { addedBy } from './welcomed.ts'

/** A record for a group that others took us into; whether there is room for it. */
function* openGroup(turn: Turn, gid: Bytes32): Step<boolean> {
  const groups = yield* allGroups()
  if (groups.length >= GROUPS_MAX) return false
  const name = uniqueGroupName('group', groups)
  yield* newGroup(turn, { gid, name, named: false, standing: 'joining', join: undefined })
  return true
}

/**
 * A record for a group that is unknown here, of a contact's welcome or of whoever made the link by which
 * we ask: its answer is on its way by another relay, and the welcome comes once. Whether there is one.
 */
function* recordFor(turn: Turn, account: Bytes32, gid: Bytes32): Step<boolean> {
  if (isAccepted(yield* contactOf(account))) return yield* openGroup(turn, gid)
  const asked = (yield* allGroups()).filter(
    ({ standing, gid: told, join }) =>
      standing === 'joining' &&
      told === undefined &&
      join !== undefined &&
      equalBytes(join.account, account),
  )
  const [only] = asked
  // Of several only the answer tells which.
  if (only === undefined || asked.length > 1) return false
  yield* stopAsking(turn, only)
  putGroup(turn, { ...only, gid })
  return true
}

/** Takes a page of a welcome: from a contact, or into a group that we asked to join or were in. */
export function* takeWelcome(
  turn: Turn,
  { account, device }: OpenedInner,
  welcome: GroupWelcome,
): Step<void> {
  const { group: gid, addOp, epoch, lineage, page, pages, authors } = welcome
  const known = yield* groupOf(gid)
  if (known?.standing === 'joined') return
  if (known === undefined && !(yield* recordFor(turn, account, gid))) return
  // Until it is judged, whoever welcomes us is heard for what is missing.
  yield* tie(turn, account, gid, turn.safeNowMs + JOIN_LIFE_MS)
  const before = yield* welcomeOf(gid, account)
  if (before?.pages !== pages || !equalBytes(before.addOp, addOp)) {
    const row = { account, addOp, secrets: { epoch, lineage }, pages, from: device }
    if (!(yield* keepWelcome(turn, gid, { ...row, atMs: turn.safeNowMs }))) return
  }
  putBasePage(turn, { account, addOp }, page, authors)
  const members = yield* membershipOf(turn, gid)
  if (members !== undefined) yield* settleWelcomes(turn, members)
  turn.effect({ kind: 'group', gid })
}

/**
 * Notes that the secret of an operation comes for a group that we are not in. It is a welcome without
 * a base, which others than the adder can give; whether we are a member the operations tell.
 */
export function* takeSeedWelcome(
  turn: Turn,
  { account, device }: OpenedInner,
  op: GroupOp,
): Step<void> {
  const gid = op.groupId
  const known = yield* groupOf(gid)
  if (known !== undefined && known.standing !== 'joining') return
  if (known === undefined) {
    const voucher = yield* addedBy(turn, op)
    if (voucher?.kind === 'link') {
      yield* stopAsking(turn, voucher.group)
      putGroup(turn, { ...voucher.group, gid, problem: '' })
    } else {
      if (voucher === undefined && !isAccepted(yield* contactOf(account))) return
      if (!(yield* openGroup(turn, gid))) return
    }
  }
  yield* tie(turn, account, gid, turn.safeNowMs + JOIN_LIFE_MS)
  // One with a base is worth more than the seed that may follow it.
  if (((yield* welcomeOf(gid, account))?.pages ?? 0) === 0) {
    const row = { account, addOp: op.id, secrets: undefined, pages: 0, from: device }
    yield* keepWelcome(turn, gid, { ...row, atMs: turn.safeNowMs })
  }
  turn.effect({ kind: 'group', gid })
}
