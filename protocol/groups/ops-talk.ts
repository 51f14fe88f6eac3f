// Asking for operations and seeds over sessions, and answering (SPEC.md §20.9, §21). Operations go to
// any member, without a key of an epoch; a removed account is served up to its removal.
import { type Bytes32, concat, equalBytes } from '../../crypto/index.ts'
import { opsRequestFrame } from '../content/group-ops.ts'
import { frameOf } from '../content/kind.ts'
import { type SeedRequest, seedRequestFrame } from '../content/seed-request.ts'
import { answersSeedRequest } from './repair.ts'
import { opsSince } from '../membership/serve-ops.ts'
import { GROUP_HEADS_MAX, GROUP_OPS_FRAME_BYTES } from '../group-limits.ts'
import { introFor } from '../contacts/intro-frame.ts'
import { sendNotice } from '../delivery/notice.ts'
import { noteServed, servedAtMost } from '../delivery/sync-pages.ts'
import { peers } from '../peers/peer.ts'
import { encodeRecord, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get } from '../step.ts'
import { tellMembers } from './member-devices.ts'
import { type Membership, membershipOf } from './membership.ts'
import { sendOps } from './operate.ts'
import { handOn } from './owed-refreshes.ts'

/** When a device's question for an operation's seed was last answered, guarded clock. */
const answered: Table<{ device: Bytes32; opId: Bytes32 }, number> = {
  name: 'seed-answers',
  sealing: 'value',
  place: ({ device, opId }) => ({ owner: concat(device, opId), order: new Uint8Array(0) }),
  encode: (atMs) => encodeRecord([atMs]),
  decode: (bytes) => readRecord(bytes, 'seed answer').uint('at'),
}

function headsOf(members: Membership | undefined) {
  return members?.dag.namedHeads(GROUP_HEADS_MAX) ?? []
}

/** Asks a device for the operations that are not held here. */
export function* askOperations(turn: Turn, gid: Bytes32, device: Bytes32): Step<void> {
  if ((yield* get(peers, device)) === undefined) return
  const heads = headsOf(yield* membershipOf(turn, gid))
  yield* sendNotice(turn, device, frameOf(opsRequestFrame, { group: gid, heads }))
}

/**
 * Asks a device for the secret of an operation. An intro comes with it where the device may not know
 * where we are.
 */
export function* askSeed(
  turn: Turn,
  members: Membership,
  device: Bytes32,
  opId: Bytes32,
): Step<void> {
  const peer = yield* get(peers, device)
  if (peer === undefined || equalBytes(device, turn.self.device)) return
  const { gid } = members
  const request = frameOf(seedRequestFrame, { group: gid, opId, heads: headsOf(members) })
  const intro = yield* introFor(turn, { ...peer, invite: undefined }, new Uint8Array(32))
  yield* sendNotice(turn, device, ...(peer.heard ? [intro, request] : [request]))
}

/** Serves operations above some heads to a member's device, or to a removed one up to its removal. */
export function* serveOperations(
  turn: Turn,
  gid: Bytes32,
  device: Bytes32,
  heads: readonly { readonly id: Bytes32 }[],
): Step<void> {
  const members = yield* membershipOf(turn, gid)
  const peer = yield* get(peers, device)
  if (members === undefined || peer === undefined) return
  const within =
    members.accountOf(device) === undefined ? removalsOf(members, peer.account) : undefined
  if (within?.length === 0 || (yield* servedAtMost(turn, device)) === 0) return
  const { ops, more } = opsSince(
    members.dag,
    heads.map(({ id }) => id),
    { maxBytes: GROUP_OPS_FRAME_BYTES, ...(within === undefined ? {} : { within }) },
  )
  if (ops.length === 0) return
  yield* noteServed(turn, device, 1)
  yield* sendOps(turn, gid, device, ops, more)
}

/** The operations that ended an account's membership. */
function removalsOf(members: Membership, account: Bytes32): readonly Bytes32[] {
  return members.dag.history.nodes.flatMap(({ op }) => {
    const { payload } = op
    const ended =
      (payload.kind === 'remove' && equalBytes(payload.target, account)) ||
      (payload.kind === 'leave' && equalBytes(op.account, account))
    return ended ? [op.id] : []
  })
}

/**
 * Answers a seed-request: with a secret, now or by a refresh, where this device holds the epoch and the
 * asker is among its recipients; and with what it lacks of the operations, and where members are.
 */
export function* answerSeedRequest(turn: Turn, device: Bytes32, request: SeedRequest): Step<void> {
  const { group: gid, opId, heads } = request
  const members = yield* membershipOf(turn, gid)
  if (members?.accountOf(device) === undefined) return
  const last = yield* get(answered, { device, opId })
  if (!answersSeedRequest(last, turn.safeNowMs)) return
  turn.put(answered, { device, opId }, turn.safeNowMs)
  yield* serveOperations(turn, gid, device, heads)
  yield* handOn(turn, members, device, opId)
  yield* tellMembers(turn, members, device)
}
