// Encrypting for a group (SPEC.md §20.8, §21): what waits, in order, in the epoch that the members
// known here choose; devices that the epoch lacks get the entry over their sessions, in the same
// batch.
import { type Bytes32, CryptoError, equalBytes, frontierCoalesceKey } from '../../crypto/index.ts'
import { entryFrame } from '../content/entry.ts'
import { groupFrontierFrame } from '../content/group-frontier.ts'
import { addEvidence, addGroupEvidence } from '../delivery/evidence.ts'
import { enqueue } from '../delivery/outbox.ts'
import { type Frame, encodeFrames } from '../frames.ts'
import type { SendChoice } from '../epochs/choose-epoch.ts'
import { epochs, lineages } from '../epochs/epoch-tables.ts'
import { causalEpochs } from '../epochs/group-cipher.ts'
import { chooseSendingEpoch } from '../epochs/sending-epoch.ts'
import { elideEntry } from '../log/entry.ts'
import { readHeldEntry } from '../log/read.ts'
import { type Step, type Turn, get, range } from '../step.ts'
import { enqueueGroup, hasGroupRoom } from './group-outbox.ts'
import { meetMemberDevice } from './member-devices.ts'
import type { Membership } from './membership.ts'
import { waitingControls } from './own-control.ts'
import { dropWaiting, waitingEntries } from './waiting-entries.ts'

/** Where a message goes: an epoch, and devices beside it. */
export interface Sendable {
  readonly opId: Bytes32
  readonly missing: readonly Bytes32[]
}

/** The epoch to send in now; undefined where none is usable. */
export function* sendableEpoch(turn: Turn, members: Membership): Step<Sendable | undefined> {
  const choice = yield* chooseFor(turn, members)
  return sendableOf(choice.kind === 'rotate' ? choice.otherwise : choice)
}

export function* chooseFor(turn: Turn, members: Membership): Step<SendChoice> {
  return yield* chooseSendingEpoch(turn, {
    group: members.gid,
    members: members.devices,
    membersHash: members.devicesHash,
    judge: (opId) => ({ isVoid: members.isVoid(opId), eligible: members.isEligible(opId) }),
  })
}

function sendableOf(choice: Exclude<SendChoice, { kind: 'rotate' }>): Sendable | undefined {
  if (choice.kind === 'wait') return undefined
  return { opId: choice.opId, missing: choice.kind === 'topUp' ? choice.missing : [] }
}

/** Entries and control objects carried in one turn. */
const CARRY_MAX = 64

/** Encrypts what waits, as far as there is an epoch for it; whether more waits. */
export function* carryWaiting(turn: Turn, members: Membership): Step<boolean> {
  const { gid } = members
  const rows = yield* waitingEntries(gid, CARRY_MAX)
  const controls = yield* range(waitingControls, { owner: gid, limit: CARRY_MAX })
  if (rows.length + controls.length === 0) return false
  const target = yield* sendableEpoch(turn, members)
  if (target === undefined) return false
  for (const { value } of controls) {
    const { frame } = value
    const content = { kind: 'control', frame: frame.kind } as const
    if (!(yield* carryFrames(turn, members, target, [frame], content))) return false
    turn.remove(waitingControls, { gid, kind: frame.kind })
  }
  for (const { entry, n } of rows) {
    if (!(yield* carryEntry(turn, members, target, entry, n))) return false
    dropWaiting(turn, gid, n)
  }
  return rows.length === CARRY_MAX
}

/** Encrypts one entry of ours; false where the epoch, or the outbox, takes no more. */
export function* carryEntry(
  turn: Turn,
  members: Membership,
  target: Sendable,
  id: Bytes32,
  n: number,
): Step<boolean> {
  const entry = yield* readHeldEntry(turn, id)
  if (entry === undefined) return true
  const elided = elideEntry(entry, 'group')
  // The epoch's operation goes without saying; one that was written under another says so.
  const { op } = entry.header
  const sameOp = op !== undefined && equalBytes(op, target.opId)
  const wire = sameOp ? elided : { ...elided, header: { ...elided.header, op } }
  const frame = { kind: entryFrame.kind, body: entryFrame.encode(wire) }
  const content = { kind: 'entry', entry: id, n } as const
  if (!(yield* carryFrames(turn, members, target, [frame], content))) return false
  yield* addGroupEvidence(turn, id, (before) => ({ ...before, epoch: target.opId }))
  const conversation = members.gid
  for (const device of target.missing) {
    const account = members.accountOf(device)
    if (account === undefined || equalBytes(device, turn.self.device)) continue
    if (!(yield* meetMemberDevice(turn, account, device))) continue
    yield* enqueue(turn, device, { kind: 'entry', conversation, entry: id, n })
    yield* addEvidence(turn, id, device, (before) => before)
  }
  return true
}

type Content = Parameters<typeof enqueueGroup>[1]['content']

function* carryFrames(
  turn: Turn,
  { gid }: Membership,
  { opId }: Sendable,
  frames: readonly Frame[],
  content: Content,
): Step<boolean> {
  // What waits waits on: the first that leaves makes room, and says so.
  if (content.kind === 'entry' && !(yield* hasGroupRoom(gid))) return false
  const outcome = yield* causalEpochs.encrypt(turn, { group: gid, opId }, encodeFrames(frames))
  const epoch = yield* get(epochs, { group: gid, opId })
  if (outcome.kind === 'limit' && outcome.reason === 'tooLarge') {
    throw new CryptoError('ERR_PROTOCOL_LIMIT', 'the frames exceed one group message')
  }
  if (outcome.kind !== 'encrypted' || epoch === undefined) return false
  const { message, innerId } = outcome
  const coalesce = yield* coalesceKey(turn, gid, epoch.lineage, content)
  yield* enqueueGroup(turn, { gid, content, message, innerId, lineage: epoch.lineage, coalesce })
  return true
}

/** A newer frontier takes the place of the one before, here and at the relays. */
function* coalesceKey(
  turn: Turn,
  gid: Bytes32,
  opId: Bytes32,
  content: Content,
): Step<Uint8Array | undefined> {
  if (content.kind !== 'control' || content.frame !== groupFrontierFrame.kind) return undefined
  const lineage = yield* get(lineages, { group: gid, opId })
  if (lineage === undefined) return undefined
  return frontierCoalesceKey(turn.crypto, lineage.tagKey, turn.self.device)
}
