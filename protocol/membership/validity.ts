// Whether an operation is valid: a fixed function of its bytes and its past (SPEC.md §19.2). The
// form, V1 to V3 in part, was checked by the decoder; signatures by whoever took it in.
import {
  type CryptoProvider,
  GROUP_SETTINGS,
  type GroupOp,
  type GroupRole,
} from '../../crypto/index.ts'
import { GROUP_MEMBERS_MAX, GROUP_RECIPIENTS_MAX } from '../group-limits.ts'
import { roleOf } from './account-state.ts'
import type { GroupFault } from './fault.ts'
import { type GroupState, StateBuilder } from './group-state.ts'
import { settingsOf } from './group-view.ts'
import type { OpHistory } from './history.ts'
import { type Judging, lowers, revokedBy } from './judging.ts'
import { factsOf, type OpNode } from './op-node.ts'
import { usedUp } from './past-limit.ts'
import { recipientsFault, recipientsOf } from './recipients.ts'
import { targetFault } from './target-rules.ts'

export interface Judged {
  readonly node: OpNode
  /** Of its past and itself. */
  readonly state: GroupState
}

/** V3, V4: what it says of its parents is true, and none is an ancestor of another. */
function parentsFault(history: OpHistory, op: GroupOp): GroupFault | undefined {
  const parents = op.parents.map(({ id }) => history.find(id))
  for (const [at, parent] of parents.entries()) {
    if (parent?.op.lamport !== op.parents[at]?.lamport) return 'lamport'
    if (parents.some((other) => parent !== undefined && other?.past.has(parent.index))) {
      return 'parents'
    }
  }
  return undefined
}

/** V5. */
function seqFault({ history, facts }: Judging): GroupFault | undefined {
  const highest = history.highestSeq(facts.device, facts.past)
  return facts.op.seq === highest + 1 ? undefined : 'seq'
}

/** The rank that an operation needs. */
function needOf(judging: Judging): GroupRole {
  const { facts, before } = judging
  const { payload } = facts.op
  switch (payload.kind) {
    case 'role':
      return lowers(judging) && facts.about.includes(facts.account) ? 0 : 2
    case 'add':
      return (settingsOf(before) & GROUP_SETTINGS.membersAdd) === 0 ? 1 : 0
    case 'remove':
    case 'carriage':
    case 'meta':
      return 1
    case 'create':
    case 'leave':
    case 'rotate':
    case 'refresh':
    case 'devices':
    case 'merge':
    case 'unknown':
      return 0
  }
}

/** V6. */
function authorFault({ facts, before }: Judging, need: GroupRole): GroupFault | undefined {
  const { account, device, lists, op } = facts
  if (op.payload.kind === 'create') {
    const [list] = lists
    return list?.account === account && list.devices.includes(device) ? undefined : 'author'
  }
  if (!before.hasDevice(account, device)) return 'author'
  return before.role(account) >= need ? undefined : 'rank'
}

/** V12, without the count of operations: only what makes a group larger is held to it. */
function sizeFault(judging: Judging, after: GroupState, recipients: readonly number[] | undefined) {
  const { facts, history } = judging
  const { kind } = facts.op.payload
  if (kind === 'add' || kind === 'create') {
    if (after.members().length > GROUP_MEMBERS_MAX) return 'limit'
  } else if (kind !== 'devices' && kind !== 'refresh') return undefined
  const devices = recipients ?? after.devices(history.devices)
  return devices.length > GROUP_RECIPIENTS_MAX ? 'limit' : undefined
}

function countFault({ history, facts, before }: Judging): GroupFault | undefined {
  const { op, past, account } = facts
  const plainAuthor = before.role(account) === 0 ? account : undefined
  const { kind } = op.payload
  return usedUp(history, { kind, past, plainAuthor }) === undefined ? undefined : 'limit'
}

function strongKind(judging: Judging, revokes: readonly number[]): OpNode['strong'] {
  if (judging.facts.op.payload.kind === 'remove') return 'remove'
  if (revokes.length > 0) return 'revoke'
  return lowers(judging) ? 'lower' : undefined
}

/** Whether only seniority in a group without owner gives the author what it needs. */
function actsAsOwner({ facts, before }: Judging, need: GroupRole): boolean {
  const plain = roleOf(before.ops, before.account(facts.account))
  return need > plain && before.actsAsOwner(facts.account)
}

function nodeOf(judging: Judging, need: GroupRole, recipients: OpNode['recipients']): OpNode {
  const { facts, before } = judging
  const { payload } = facts.op
  const [list] = facts.lists
  const speaker = payload.kind === 'devices' && list !== undefined ? list.account : facts.account
  const revokes = revokedBy(judging)
  const held = list === undefined ? [] : (before.account(list.account).list?.devices ?? [])
  const isRoot = payload.kind === 'create'
  return {
    ...facts,
    authority: isRoot
      ? { rank: 2, lamport: 1, op: facts.op.id, account: facts.op.account }
      : before.authority(speaker),
    need,
    isPlain: !isRoot && before.role(facts.account) === 0,
    author: before.account(facts.account),
    actsAsOwner: !isRoot && actsAsOwner(judging, need),
    strong: strongKind(judging, revokes),
    revokes,
    onlyRevokes:
      payload.kind === 'devices' && list?.devices.every((d) => held.includes(d)) === true,
    voidPast: before.void,
    recipients,
  }
}

export interface JudgeOptions {
  /** False for what is being drafted: its recipients' hash is not known yet. */
  readonly checkRecipients: boolean
}

/**
 * Judges an operation of this group whose parents are all accepted. It may have given numbers to keys;
 * the caller takes them back where the operation is not accepted.
 */
export function judgeOp(
  provider: CryptoProvider,
  history: OpHistory,
  op: GroupOp,
  options: JudgeOptions = { checkRecipients: true },
): Judged | GroupFault {
  const faulty = parentsFault(history, op)
  if (faulty !== undefined) return faulty
  const parents = op.parents.flatMap(({ id }) => history.find(id)?.index ?? [])
  const heads = parents.toSorted((a, b) => a - b)
  const past = history.closure(heads)
  const before = history.stateOf(heads)
  const facts = factsOf(history, op, { index: history.nodes.length, parents: heads, past })
  const judging = { provider, history, facts, before }
  const need = needOf(judging)
  const fault =
    countFault(judging) ?? seqFault(judging) ?? authorFault(judging, need) ?? targetFault(judging)
  if (fault !== undefined) return fault
  const builder = new StateBuilder(judging.before)
  builder.apply(facts)
  return finish(judging, need, builder, options)
}

function finish(
  judging: Judging,
  need: GroupRole,
  builder: StateBuilder,
  options: JudgeOptions,
): Judged | GroupFault {
  const { before } = judging
  const after = builder.freeze(before.void)
  const recipients = recipientsOf(judging, after)
  const fault = sizeFault(judging, after, recipients)
  if (fault !== undefined) return fault
  if (options.checkRecipients && recipients !== undefined) {
    const wrong = recipientsFault(judging, after, recipients)
    if (wrong !== undefined) return wrong
  }
  return { node: nodeOf(judging, need, recipients), state: after }
}
