// Writing operations (SPEC.md §21): judged, committed to its epoch, signed, taken in, and queued for
// everybody it concerns, in one batch before anything leaves. So a crash at any moment leaves either
// nothing of it, or all of it.
import {
  type Bytes32,
  EMPTY,
  type GroupOp,
  commitEpoch,
  commitFreshEpoch,
  derivedEpochSecret,
  equalBytes,
  freshEpochSecret,
  innerId,
  signGroupOp,
} from '../../crypto/index.ts'
import { groupOpsFrame } from '../content/group-ops.ts'
import { groupSeedFrame } from '../content/group-seed.ts'
import { frameOf } from '../content/kind.ts'
import { sendControl } from '../delivery/control.ts'
import { sendNotice } from '../delivery/notice.ts'
import { ProtocolError } from '../errors.ts'
import { type DraftPayload, type OpDraft, draftOp } from '../membership/draft-op.ts'
import { epochs } from '../epochs/epoch-tables.ts'
import { lineagesOf } from '../epochs/held-lineages.ts'
import type { GroupFault } from '../membership/fault.ts'
import { causalEpochs } from '../epochs/group-cipher.ts'
import type { EpochSource } from '../epochs/keep-epoch.ts'
import { peers } from '../peers/peer.ts'
import { type Step, type Turn, get } from '../step.ts'
import { followOperations } from './consequences.ts'
import { keepGroupEpoch } from './grants.ts'
import { enqueueGroup } from './group-outbox.ts'
import { meetMemberDevice } from './member-devices.ts'
import { type Membership, addOperations } from './membership.ts'

export interface Issued {
  readonly op: GroupOp
  /** With the operation. */
  readonly members: Membership
  /** The seed of a fresh one; undefined of others. */
  readonly seed: Uint8Array | undefined
}

/** What an operation cannot be written for, as an error of this floor. */
export function operationError(fault: GroupFault): ProtocolError {
  switch (fault) {
    case 'rank':
    case 'authority':
      return new ProtocolError('ERR_PROTOCOL_ROLE', 'your role in the group does not allow that', {
        detail: { fault },
      })
    case 'author':
      return new ProtocolError('ERR_PROTOCOL_GROUP', 'you are not in this group')
    case 'target':
      return new ProtocolError('ERR_PROTOCOL_UNKNOWN', 'no such member, or nothing to change', {
        detail: { fault },
      })
    case 'limit':
      return new ProtocolError('ERR_PROTOCOL_LIMIT', 'the group is at its limit', {
        detail: { reason: 'group-full' },
      })
    case 'lamport':
    case 'parents':
    case 'seq':
    case 'epoch':
    case 'list':
    case 'recipients':
    case 'parent-invalid':
      return new ProtocolError('ERR_PROTOCOL_STATE', `the operation would not be valid: ${fault}`)
  }
}

interface Secret {
  readonly source: EpochSource | undefined
  readonly commit: Uint8Array
  readonly seed: Uint8Array | undefined
}

/** The secret of an operation's epoch and its commitment, from the hash of its core. */
export function freshSecret(turn: Turn, group: Bytes32, coreHash: Bytes32): Secret {
  const seed = turn.random(32)
  const core = { group, coreHash }
  const epoch = freshEpochSecret(turn.crypto, core, seed)
  const commit = commitFreshEpoch(turn.crypto, core, epoch)
  epoch.fill(0)
  return { source: { kind: 'seed', seed }, commit, seed }
}

function* secretOf(
  turn: Turn,
  { gid }: Membership,
  payload: DraftPayload,
  { coreHash }: OpDraft,
): Step<Secret> {
  switch (payload.kind) {
    case 'create':
    case 'remove':
    case 'rotate':
    case 'merge':
      return freshSecret(turn, gid, coreHash)
    case 'add':
    case 'refresh': {
      const parent = yield* get(epochs, { group: gid, opId: payload.epochOp })
      if (parent?.addKey === undefined) throw operationError('epoch')
      const core = { group: gid, coreHash }
      const epoch = derivedEpochSecret(turn.crypto, core, parent.addKey)
      const commit = commitEpoch(turn.crypto, core, epoch)
      return { source: { kind: 'parent' }, commit, seed: undefined }
    }
    case 'leave':
    case 'role':
    case 'devices':
    case 'carriage':
    case 'meta':
    case 'unknown':
      return { source: undefined, commit: EMPTY, seed: undefined }
  }
}

/** Why an operation of this device would not be valid on top of all that is held. */
export function faultOf(
  turn: Turn,
  { dag }: Membership,
  payload: DraftPayload,
): GroupFault | undefined {
  const { account, device } = turn.self
  const draft = draftOp(turn.crypto, dag, { account, device }, payload)
  return typeof draft === 'string' ? draft : undefined
}

/**
 * Writes an operation on top of all that is held. Throws ERR_PROTOCOL_ROLE, ERR_PROTOCOL_GROUP,
 * ERR_PROTOCOL_UNKNOWN, ERR_PROTOCOL_LIMIT or ERR_PROTOCOL_STATE where it would not be valid.
 */
export function* issue(turn: Turn, members: Membership, payload: DraftPayload): Step<Issued> {
  const { gid, dag } = members
  const { account, device, deviceSeed } = turn.self
  const used = members.usedUp(payload.kind)
  if (used !== undefined) {
    const text = {
      group: 'the group has used up its operations',
      member: 'members have no operation left',
    }
    throw new ProtocolError('ERR_PROTOCOL_LIMIT', text[used], {
      detail: { reason: `${used}-operations` },
    })
  }
  const draft = draftOp(turn.crypto, dag, { account, device }, payload)
  if (typeof draft === 'string') throw operationError(draft)
  const { source, commit, seed } = yield* secretOf(turn, members, payload, draft)
  const op = signGroupOp({ provider: turn.crypto, deviceSeed }, draft.core, commit)
  const intake = yield* addOperations(turn, gid, [op], 'held')
  if (intake.accepted.length === 0) throw operationError('parent-invalid')
  if (source !== undefined) yield* keepGroupEpoch(turn, intake.members, op.id, source)
  yield* spread(turn, intake.members, op)
  yield* followOperations(turn, intake.members, [op])
  if (seed !== undefined) yield* seedAll(turn, intake.members, op, seed)
  // New relays must be found by whoever cannot reach the old ones.
  if (payload.kind === 'carriage') yield* tellEach(turn, intake.members, op)
  return { op, members: intake.members, seed }
}

/** Lineages that are held below an operation and that no other of these follows. */
function* lineagesBelow(members: Membership, opId: Bytes32): Step<readonly Bytes32[]> {
  const held = yield* lineagesOf(members.gid)
  const below = held.map(({ opId }) => opId).filter((lineage) => members.isPast(opId, lineage))
  return below.filter((one) => !below.some((other) => members.isPast(other, one)))
}

/** Tells the whole group of operations, through its mailboxes, under the keys that it had before. */
export function* spread(turn: Turn, members: Membership, op: GroupOp): Step<void> {
  const { gid } = members
  for (const lineage of yield* lineagesBelow(members, op.id)) {
    const key = { group: gid, opId: lineage }
    const message = yield* causalEpochs.sealOperations(turn, key, [op.bytes])
    if (message === undefined) continue
    const content = { kind: 'ops', ops: [op.id] } as const
    const id = innerId(turn.crypto, message)
    yield* enqueueGroup(turn, { gid, content, message, innerId: id, lineage, coalesce: undefined })
  }
}

/** An operation and its seed, to each recipient over its own session. */
export function* seedAll(
  turn: Turn,
  members: Membership,
  op: GroupOp,
  seed: Uint8Array,
): Step<void> {
  for (const device of members.dag.history.find(op.id)?.recipients ?? []) {
    const key = members.dag.history.devices.key(device)
    yield* sendSeed(turn, members, key, op, { secretKind: 'seed', secret: seed })
  }
}

/** An operation to every device of every member. */
function* tellEach(turn: Turn, members: Membership, op: GroupOp): Step<void> {
  for (const device of members.devices) {
    const account = members.accountOf(device)
    if (account === undefined || equalBytes(device, turn.self.device)) continue
    if (!(yield* meetMemberDevice(turn, account, device))) continue
    yield* sendOps(turn, members.gid, device, [op])
  }
}

/** An operation and its secret to one device of a member. */
export function* sendSeed(
  turn: Turn,
  members: Membership,
  device: Bytes32,
  op: GroupOp,
  secret: {
    readonly secretKind: 'seed' | 'epoch'
    readonly secret: Uint8Array
    readonly lineage?: Uint8Array
  },
): Step<void> {
  if (equalBytes(device, turn.self.device)) return
  const account = members.accountOf(device)
  if (account === undefined || !(yield* meetMemberDevice(turn, account, device))) return
  const peer = yield* get(peers, device)
  if (peer === undefined) return
  const { secretKind, lineage } = secret
  const frame = { operation: op.bytes, secretKind, secret: secret.secret, lineage }
  yield* sendControl(turn, peer, (c) => frameOf(groupSeedFrame, { c, ...frame }))
}

/** Operations to one device, as a notice: what is lost of them is asked for. */
export function* sendOps(
  turn: Turn,
  gid: Bytes32,
  device: Bytes32,
  ops: readonly GroupOp[],
  more = false,
): Step<void> {
  if ((yield* get(peers, device)) === undefined) return
  const operations = ops.map(({ bytes }) => bytes)
  yield* sendNotice(turn, device, frameOf(groupOpsFrame, { group: gid, operations, more }))
}
