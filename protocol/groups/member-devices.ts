// Where the devices of co-members are reached (SPEC.md §21): their latest 0x1086 objects, signed by
// themselves, so that any member may hand them on. What a contact told us in its endpoints wins.
import { type Bytes32, EMPTY, concat, equalBytes } from '../../crypto/index.ts'
import { type Control, controlIsGenuine } from '../content/group-control.ts'
import {
  type MemberEndpoints,
  type HandedMembers,
  groupMemberFrame,
  groupMembersFrame,
} from '../content/group-member.ts'
import { frameOf } from '../content/kind.ts'
import { sendNotice } from '../delivery/notice.ts'
import { NAME_MAX_BYTES } from '../limits.ts'
import { MEMBERS_FRAME_BYTES, MEMBERS_FRAME_MAX } from '../group-limits.ts'
import { deviceLists } from '../peers/device-lists.ts'
import { newPeer, peers } from '../peers/peer.ts'
import { encodeRecord, readRecord, text, textField } from '../record.ts'
import { type Step, type Table, type Turn, get } from '../step.ts'
import { tellOfGroup } from './group.ts'
import type { Membership } from './membership.ts'
import { owe, settleOwed } from './owed-members.ts'
import { endSilence, noteSilent } from './silent-devices.ts'

interface KnownMember {
  readonly r: number
  /** The signed object, as it came. */
  readonly object: Uint8Array
}

const known: Table<{ gid: Bytes32; device: Bytes32 }, KnownMember> = {
  name: 'group-members',
  sealing: 'value',
  place: ({ gid, device }) => ({ owner: concat(gid, device), order: EMPTY }),
  encode: ({ r, object }) => encodeRecord([r, object]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'known member')
    return { r: fields.uint('r'), object: fields.bytes('object', 1, MEMBERS_FRAME_BYTES) }
  },
}

/** What an account calls itself in the groups it shares with us; its own word, of any of its devices. */
const memberNames: Table<Bytes32, string> = {
  name: 'member-names',
  sealing: 'value',
  place: (account) => ({ owner: account, order: EMPTY }),
  encode: (name) => encodeRecord([text(name)]),
  decode: (bytes) => textField(readRecord(bytes, 'member name'), 'name', NAME_MAX_BYTES),
}

/** Notes the name that somebody gave itself in an intro or in a join that waits. */
export function noteMemberName(turn: Turn, account: Bytes32, name: string): void {
  if (name !== '') turn.put(memberNames, account, name)
}

/** "" where it told none. */
export function* memberName(account: Bytes32): Step<string> {
  return (yield* get(memberNames, account)) ?? ''
}

/** Makes sure that a device of a member can be written to once its mailbox is known. */
export function* meetMemberDevice(turn: Turn, account: Bytes32, device: Bytes32): Step<boolean> {
  if ((yield* get(peers, device)) !== undefined) return true
  const listed = (yield* get(deviceLists, account))?.devices ?? []
  const dh = listed.find((one) => one.device.every((byte, i) => byte === device[i]))?.dh
  if (dh === undefined) return false
  turn.put(peers, device, newPeer({ account, device, dh }))
  return true
}

/** Whether anything is known of where a device is reached. */
export function* isReached(device: Bytes32): Step<boolean> {
  const endpoints = (yield* get(peers, device))?.endpoints
  return endpoints !== undefined && (endpoints.mailboxes.length > 0 || endpoints.home !== undefined)
}

/** Notes a device of a member of which the group heard nothing. */
export function* watchMember(turn: Turn, gid: Bytes32, device: Bytes32): Step<void> {
  if ((yield* get(known, { gid, device })) === undefined) yield* noteSilent(turn, gid, device)
}

/** Takes a member object whose signature holds; an older one than the known changes nothing. */
export function* learnMember(
  turn: Turn,
  members: Membership,
  device: Bytes32,
  { r, value, signed }: Control<MemberEndpoints>,
): Step<void> {
  const { gid } = members
  const account = members.accountOf(device)
  const before = yield* get(known, { gid, device })
  if (account === undefined || (before !== undefined && before.r >= r)) return
  turn.put(known, { gid, device }, { r, object: groupMemberFrame.encode({ r, value, signed }) })
  if (before === undefined) endSilence(turn, gid, device)
  if ((yield* memberName(account)) !== value.name) {
    turn.put(memberNames, account, value.name)
    yield* tellOfGroup(turn, gid)
  }
  yield* tellOwed(turn, members, { device, member: { r, value, signed } })
  if (!(yield* meetMemberDevice(turn, account, device))) return
  const peer = yield* get(peers, device)
  // Endpoints are said to us alone, and by the same device.
  if (peer === undefined || peer.endpoints.counter > 0) return
  const { mailboxes, home, seal } = value
  turn.put(peers, device, { ...peer, endpoints: { ...peer.endpoints, mailboxes, home, seal } })
  turn.effect({ kind: 'endpoints', device })
}

/** Hands a member on to newcomers whose welcome could not name it. */
function* tellOwed(
  turn: Turn,
  members: Membership,
  row: HandedMembers['members'][number],
): Step<void> {
  const { gid } = members
  const frame = frameOf(groupMembersFrame, { group: gid, members: [row] })
  for (const newcomer of yield* settleOwed(turn, gid, row.device)) {
    if (members.accountOf(newcomer) === undefined) continue
    yield* sendNotice(turn, newcomer, frame)
  }
}

/** Remembers for a newcomer which members nothing is known of yet. */
export function* oweMembers(
  turn: Turn,
  { gid, devices }: Membership,
  newcomer: Bytes32,
): Step<void> {
  for (const device of devices) {
    if (equalBytes(device, newcomer) || equalBytes(device, turn.self.device)) continue
    if ((yield* get(known, { gid, device })) === undefined) owe(turn, { gid, device, newcomer })
  }
}

/** Takes member objects that another member handed on: each is judged by its own signature. */
export function* learnMembers(
  turn: Turn,
  members: Membership,
  { members: rows }: HandedMembers,
): Step<void> {
  for (const { device, member } of rows) {
    const context = { group: members.gid, kind: groupMemberFrame.kind, device }
    if (!controlIsGenuine(turn.crypto, context, member)) continue
    yield* learnMember(turn, members, device, member)
  }
}

/** Tells a device what is known of where members are reached. */
export function* tellMembers(turn: Turn, members: Membership, device: Bytes32): Step<void> {
  const { gid } = members
  const pages: HandedMembers['members'][number][][] = [[]]
  let sizeBytes = 0
  for (const one of members.devices) {
    const row = yield* get(known, { gid, device: one })
    if (row === undefined) continue
    let page = pages[pages.length - 1] ?? []
    if (page.length >= MEMBERS_FRAME_MAX || sizeBytes + row.object.length > MEMBERS_FRAME_BYTES) {
      page = []
      pages.push(page)
      sizeBytes = 0
    }
    sizeBytes += row.object.length
    page.push({ device: one, member: groupMemberFrame.decode(row.object) })
  }
  for (const rows of pages) {
    if (rows.length === 0) continue
    yield* sendNotice(turn, device, frameOf(groupMembersFrame, { group: gid, members: rows }))
  }
}
