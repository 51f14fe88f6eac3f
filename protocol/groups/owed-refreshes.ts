// Handing on the secret of an epoch to a recipient that lost it (SPEC.md §20.8, R1). That of a derived
// epoch is kept while the add key above it is; that of a fresh one by nobody, since it opens all that
// was said under it. So who asks for one gets the epoch that extends it, and what was said before
// comes as entries.
import { type Bytes32, equalBytes } from '../../crypto/index.ts'
import { groupSeedFrame } from '../content/group-seed.ts'
import { readFrame } from '../content/kind.ts'
import { isControlOpen, queueControls } from '../delivery/control.ts'
import { epochs, lineages } from '../epochs/epoch-tables.ts'
import { groupEpoch, groupEpochs } from '../membership/group-epochs.ts'
import { causalEpochs } from '../epochs/group-cipher.ts'
import type { OwedRefresh } from './repair.ts'
import { OWED_REFRESHES_MAX, REPAIR_WAIT_MS } from '../group-limits.ts'
import { type Step, type Turn, get } from '../step.ts'
import type { Membership } from './membership.ts'
import { sendSeed } from './operate.ts'
import { type OwedDevice, putRepairs, repairState } from './repair-state.ts'

/** Whether an epoch is for a device. */
export function isFor({ dag }: Membership, opId: Bytes32, device: Bytes32): boolean {
  const number = dag.history.devices.find(device)
  return number !== undefined && dag.history.find(opId)?.recipients?.includes(number) === true
}

/** Hands the secret of an epoch on, where it is kept; whether it was. */
export function* sendEpoch(
  turn: Turn,
  members: Membership,
  device: Bytes32,
  opId: Bytes32,
): Step<boolean> {
  const { gid } = members
  const op = members.op(opId)
  const epoch = yield* get(epochs, { group: gid, opId })
  const lineage = epoch && (yield* get(lineages, { group: gid, opId: epoch.lineage }))
  if (op === undefined || epoch?.secret === undefined || lineage === undefined) return false
  yield* sendSeed(turn, members, device, op, {
    secretKind: 'epoch',
    secret: epoch.secret,
    lineage: lineage.secret,
  })
  return true
}

/** The last derived epoch above an operation that a device is in and whose secret is kept here. */
function* keptAbove(
  members: Membership,
  device: Bytes32,
  opId: Bytes32,
): Step<Bytes32 | undefined> {
  for (const { op, isFresh, isVoid } of groupEpochs(members.dag)) {
    if (isFresh || isVoid || !members.isPast(op.id, opId) || !isFor(members, op.id, device))
      continue
    const epoch = yield* get(epochs, { group: members.gid, opId: op.id })
    if (epoch?.secret !== undefined) return op.id
  }
  return undefined
}

/**
 * Answers a recipient that lacks an epoch's secret: with it, with one that follows it, or, where there
 * is neither, by remembering that it is to be refreshed.
 */
export function* handOn(
  turn: Turn,
  members: Membership,
  device: Bytes32,
  opId: Bytes32,
): Step<void> {
  if (!isFor(members, opId, device)) return
  if (yield* sendEpoch(turn, members, device, opId)) return
  const isUnderWay = yield* isControlOpen(device, (frame) => {
    const seed = readFrame(groupSeedFrame, frame)
    const bytes = members.op(opId)?.bytes
    return seed !== undefined && bytes !== undefined && equalBytes(seed.operation, bytes)
  })
  if (isUnderWay) return yield* queueControls(turn, device)
  const above = yield* keptAbove(members, device, opId)
  if (above !== undefined) {
    yield* sendEpoch(turn, members, device, above)
    return
  }
  const held = yield* causalEpochs.held(turn, members.gid)
  // Who does not have it either would extend what the group left behind.
  const isHolder = held.some(
    (epoch) => equalBytes(epoch.opId, opId) || members.isPast(epoch.opId, opId),
  )
  if (!isHolder) return
  const state = yield* repairState(members.gid)
  const known = state.owed.find((one) => equalBytes(one.device, device))
  const others = state.owed.filter((one) => one !== known)
  const sinceMs = known?.sinceMs ?? turn.safeNowMs
  const owed = [...others, { device, opId, sinceMs }].slice(-OWED_REFRESHES_MAX)
  yield* putRepairs(turn, members.gid, { ...state, owed })
  turn.effect({ kind: 'group', gid: members.gid })
}

/** Those that are still to be refreshed: members whom no operation since has refreshed. */
export function stillOwed(members: Membership, owed: readonly OwedDevice[]): readonly OwedDevice[] {
  return owed.filter(({ device, opId }) => {
    if (members.accountOf(device) === undefined) return false
    return !members.dag.history.nodes.some(
      ({ op }) =>
        op.payload.kind === 'refresh' &&
        op.payload.devices.some((one) => equalBytes(one, device)) &&
        !members.isVoid(op.id) &&
        members.isPast(op.id, opId) &&
        groupEpoch(members.dag, op.id) !== undefined,
    )
  })
}

/**
 * As the decision needs them. The author of an operation knows that its seed was received and is gone;
 * to others it may still be on its way.
 */
export function owedRefreshes(
  turn: Turn,
  members: Membership,
  owed: readonly OwedDevice[],
): readonly OwedRefresh[] {
  return owed.map(({ device, opId, sinceMs }) => {
    const author = members.op(opId)?.device
    const isAuthor = author !== undefined && equalBytes(author, turn.self.device)
    return { device, isAuthor, sinceMs: isAuthor ? sinceMs : sinceMs + REPAIR_WAIT_MS }
  })
}
