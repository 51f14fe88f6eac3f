// From an operation and a secret to an epoch that is held (SPEC.md §20.1), and on to the epochs that
// extend it: those need no secret of their own.
import type { Bytes32, GroupOp } from '../../crypto/index.ts'
import { extendingOps, groupEpoch } from '../membership/group-epochs.ts'
import { epochs } from '../epochs/epoch-tables.ts'
import { causalEpochs } from '../epochs/group-cipher.ts'
import type { EpochOperation, EpochSource, KeepOutcome } from '../epochs/keep-epoch.ts'
import { type Step, type Turn, get } from '../step.ts'
import type { Membership } from './membership.ts'

function operationOf(op: GroupOp): EpochOperation {
  const { id, group, coreHash, commit, lamport } = op
  return { opId: id, core: { group, coreHash }, commit, lamport }
}

/** Keeps an epoch from its secret, and those that extend it and come for nothing. */
export function* keepGroupEpoch(
  turn: Turn,
  members: Membership,
  opId: Bytes32,
  source: EpochSource,
): Step<KeepOutcome> {
  const { gid, dag } = members
  const outcome = yield* keepOne(turn, members, opId, source)
  if (outcome.kind !== 'kept') return outcome
  // As many as members were added one by one: one after the other, not one within the other.
  const waiting = [...extendingOps(dag, opId)]
  for (let op = waiting.shift(); op !== undefined; op = waiting.shift()) {
    if ((yield* get(epochs, { group: gid, opId: op.id })) !== undefined) continue
    const child = yield* keepOne(turn, members, op.id, { kind: 'parent' })
    if (child.kind === 'kept') waiting.push(...extendingOps(dag, op.id))
  }
  return outcome
}

function* keepOne(
  turn: Turn,
  members: Membership,
  opId: Bytes32,
  source: EpochSource,
): Step<KeepOutcome> {
  const { gid, dag } = members
  const epoch = groupEpoch(dag, opId)
  const fresh = epoch === undefined ? undefined : dag.op(epoch.lineage)
  if (epoch === undefined || fresh === undefined) {
    return { kind: 'refused', reason: 'noLineage' }
  }
  const recipients = epoch.recipients()
  const above = yield* heldAbove(turn, members, opId)
  const outcome = yield* causalEpochs.keep(turn, {
    group: gid,
    operation: operationOf(epoch.op),
    fresh: operationOf(fresh),
    parent: epoch.extends,
    recipients,
    recipientsHash: members.recipientsHash(recipients),
    source,
    ...(above === undefined ? {} : { above }),
  })
  if (outcome.kind !== 'kept') return outcome
  yield* causalEpochs.supersede(turn, gid, {
    fresh: epoch.isFresh,
    isPast: (other) => members.isPast(opId, other),
  })
  return outcome
}

/** Whether an epoch above this one is held, and whether a fresh one is. */
function* heldAbove(
  turn: Turn,
  members: Membership,
  opId: Bytes32,
): Step<'derived' | 'fresh' | undefined> {
  const lamport = members.op(opId)?.lamport ?? 0
  let above: 'derived' | 'fresh' | undefined
  for (const epoch of yield* causalEpochs.held(turn, members.gid)) {
    if (epoch.lamport <= lamport || !members.isPast(epoch.opId, opId)) continue
    if (epoch.fresh) return 'fresh'
    above = 'derived'
  }
  return above
}
