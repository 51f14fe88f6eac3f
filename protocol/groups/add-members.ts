// Adding accounts (SPEC.md §21): one operation that extends an epoch everybody has, and a welcome to
// each device of the newcomers. It costs the group one message, whatever its size.
import { type Bytes32, type DeviceList, equalBytes, openDeviceList } from '../../crypto/index.ts'
import type { BaseAuthor } from '../content/base.ts'
import { groupWelcomeFrame } from '../content/group-welcome.ts'
import { frameOf } from '../content/kind.ts'
import { sendControl } from '../delivery/control.ts'
import { ProtocolError } from '../errors.ts'
import type { DraftPayload } from '../membership/draft-op.ts'
import { epochs, lineages } from '../epochs/epoch-tables.ts'
import { opsSince } from '../membership/serve-ops.ts'
import {
  GROUP_OPS_FRAME_BYTES,
  GROUP_RECIPIENTS_MAX,
  WELCOME_PAGE_AUTHORS_MAX,
} from '../group-limits.ts'
import { authorFrontier } from '../log/frontier.ts'
import { deviceLists } from '../peers/device-lists.ts'
import { peers } from '../peers/peer.ts'
import { type Step, type Turn, get } from '../step.ts'
import { baseHashOf, groupBase } from './group-base.ts'
import { meetMemberDevice, oweMembers, tellMembers } from './member-devices.ts'
import type { Membership } from './membership.ts'
import { extendable } from './mend-facts.ts'
import { type Issued, faultOf, issue, sendOps } from './operate.ts'
import { pendingJoinOf } from './pending-joins.ts'
import { noteHelped } from './silent-devices.ts'
import { tellWhere } from './tell-where.ts'

export interface Newcomer {
  readonly account: Bytes32
  /** H(inviteId), where it came by a link. */
  readonly inviteHash: Bytes32 | undefined
}

/** The epoch that an add extends; a new one if there is none. */
export function* extendableEpoch(turn: Turn, members: Membership): Step<Bytes32> {
  const held = yield* extendable(turn, members)
  return held?.opId ?? (yield* renew(turn, members)).op.id
}

/** A fresh epoch for everybody: a merge of several heads, a rotation of one. */
export function* renewal(turn: Turn, members: Membership): Step<DraftPayload> {
  const own = yield* authorFrontier(turn, members.gid, turn.self.device)
  const kind = members.heads.length > 1 ? ('merge' as const) : ('rotate' as const)
  return { kind, ownN: own?.headN ?? 0 }
}

export function* renew(turn: Turn, members: Membership): Step<Issued> {
  return yield* issue(turn, members, yield* renewal(turn, members))
}

/**
 * Why this device cannot add an account now, as who asked to join is told; undefined where it can. Who
 * asks must never make a turn fail: its question would come again for ever.
 */
export function* addFault(
  turn: Turn,
  members: Membership,
  account: Bytes32,
): Step<'refused' | 'full' | undefined> {
  const record = yield* get(deviceLists, account)
  if (record === undefined || record.conflict !== undefined) return 'refused'
  const list = openDeviceList(turn.crypto, record.bytes)
  const held = yield* extendable(turn, members)
  const isBeyond = members.devices.length + list.devices.length > GROUP_RECIPIENTS_MAX
  // Without one a fresh epoch comes first, and that it is missing would hide this.
  if (held === undefined && isBeyond) return 'full'
  const payload = {
    kind: 'add',
    epochOp: held?.opId ?? members.highestHead,
    newcomers: [{ account, list, inviteHash: undefined }],
    heads: [],
    baseHash: members.gid,
  } as const
  const fault = faultOf(turn, members, payload)
  if (fault === undefined || (held === undefined && fault === 'epoch')) return undefined
  return fault === 'limit' ? 'full' : 'refused'
}

function* listOf(turn: Turn, account: Bytes32): Step<DeviceList> {
  const record = yield* get(deviceLists, account)
  if (record === undefined || record.conflict !== undefined) {
    throw new ProtocolError('ERR_PROTOCOL_UNKNOWN', 'the devices of this account are not known')
  }
  return openDeviceList(turn.crypto, record.bytes)
}

/** Adds accounts whose devices are known. Throws what `issue` throws. */
export function* addMembers(
  turn: Turn,
  members: Membership,
  newcomers: readonly Newcomer[],
): Step<Membership> {
  const epochOp = yield* extendableEpoch(turn, members)
  const base = yield* groupBase(turn, members.gid)
  const lists: DeviceList[] = []
  for (const { account } of newcomers) lists.push(yield* listOf(turn, account))
  // Before the add, so that whoever knows of it knows this too.
  for (const { account, devices } of lists) {
    const reached = devices.map(({ device }) => device)
    if ((yield* pendingJoinOf(turn, members.gid, account)) !== undefined) continue
    yield* tellWhere(turn, members, account, reached)
  }
  const issued = yield* issue(turn, members, {
    kind: 'add',
    epochOp,
    newcomers: newcomers.flatMap(({ account, inviteHash }) => {
      const list = lists.find((one) => equalBytes(one.account, account))
      return list === undefined ? [] : [{ account, list, inviteHash }]
    }),
    heads: base.heads,
    baseHash: baseHashOf(turn, base.authors),
  })
  for (const { account, devices } of lists) {
    for (const { device } of devices) {
      if (!(yield* meetMemberDevice(turn, account, device))) continue
      yield* sendBase(turn, issued.members, issued.op.id, device, base.authors)
      yield* sendSurroundings(turn, issued.members, device)
      noteHelped(turn, members.gid, { device, sinceMs: turn.safeNowMs, helped: true })
    }
  }
  return issued.members
}

/** The pages of a welcome: the epoch of an add, and its base. Nothing where the secret is not kept. */
export function* sendBase(
  turn: Turn,
  { gid, dag }: Membership,
  addOp: Bytes32,
  device: Bytes32,
  base: readonly BaseAuthor[],
): Step<void> {
  const epoch = yield* get(epochs, { group: gid, opId: addOp })
  const lineage =
    epoch === undefined ? undefined : yield* get(lineages, { group: gid, opId: epoch.lineage })
  if (epoch?.secret === undefined || lineage === undefined) return
  const { secret } = epoch
  const pages = Math.max(1, Math.ceil(base.length / WELCOME_PAGE_AUTHORS_MAX))
  for (let page = 1; page <= pages; page++) {
    const peer = yield* get(peers, device)
    if (peer === undefined) return
    const from = (page - 1) * WELCOME_PAGE_AUTHORS_MAX
    yield* sendControl(turn, peer, (c) =>
      frameOf(groupWelcomeFrame, {
        c,
        group: gid,
        addOp,
        epoch: secret,
        lineage: lineage.secret,
        operations: dag.size,
        page,
        pages,
        authors: base.slice(from, from + WELCOME_PAGE_AUTHORS_MAX),
      }),
    )
  }
}

/** All operations, and where members are reached. */
export function* sendSurroundings(turn: Turn, members: Membership, device: Bytes32): Step<void> {
  yield* sendAllOps(turn, members, device)
  yield* tellMembers(turn, members, device)
  yield* oweMembers(turn, members, device)
}

/** Every operation, page after page. */
function* sendAllOps(turn: Turn, members: Membership, device: Bytes32): Step<void> {
  const sent: Bytes32[] = []
  for (;;) {
    const { ops, more } = opsSince(members.dag, sent, { maxBytes: GROUP_OPS_FRAME_BYTES })
    yield* sendOps(turn, members.gid, device, ops, more)
    for (const { id } of ops) sent.push(id)
    if (!more || ops.length === 0) return
  }
}
