// Frames 0x1085, join-pending, 0x1086, member, and 0x1087, members (SPEC.md §20.5, §20.9): who waits
// to be let in, and where a member's device is reached.
//
// [1, r, inviteId16, AK, DeviceList bstr, name, [Mailbox with cap] <=3]
// [1, r, [Mailbox with cap] <=3, [[transportKey32, [addr] <=4]] <=1, [sealId, sealPub32], name <=64 B]
// [1, gid, [[DK, 0x1086 signed object bstr]] <=48 000 B]
import {
  type Bytes16,
  type Bytes32,
  decodeText,
  encodeCbor,
  encodeMailbox,
  encodeText,
  FieldReader,
  LIST_MAX_BYTES,
  type Mailbox,
  MAILBOXES_MAX,
  malformed,
  readMailbox,
} from '../../crypto/index.ts'
import { NAME_MAX_BYTES } from '../limits.ts'
import { MEMBERS_FRAME_BYTES, MEMBERS_FRAME_MAX } from '../group-limits.ts'
import { decodeHome, encodeHome, type HomeHost } from './endpoints.ts'
import { versionedFields } from './fields.ts'
import { type Control, type ControlKind, controlKind } from './group-control.ts'
import type { ContentKind } from './kind.ts'

/** Mailboxes of a device, each with a capability. */
function readMailboxes(fields: FieldReader): readonly Mailbox[] {
  const mailboxes = fields.array('mailboxes', 0, MAILBOXES_MAX).map(readMailbox)
  if (mailboxes.some(({ capability }) => capability === undefined)) {
    malformed('mailbox without a capability')
  }
  return mailboxes
}

/** Somebody who asks to join by a link, told to the group by the device that made the link. */
export interface JoinPending {
  readonly inviteId: Bytes16
  readonly account: Bytes32
  /** The account's DeviceList, not yet verified. */
  readonly list: Uint8Array
  readonly name: string
  readonly mailboxes: readonly Mailbox[]
}

export const joinPendingFrame: ControlKind<JoinPending> = controlKind({
  kind: 0x1085,
  name: 'join-pending',
  write: ({ inviteId, account, list, name, mailboxes }) => [
    inviteId,
    account,
    list,
    encodeText(name),
    mailboxes.map(encodeMailbox),
  ],
  read: (fields) => ({
    inviteId: fields.bytes('inviteId', 16),
    account: fields.bytes('account', 32),
    list: fields.bytes('list', 1, LIST_MAX_BYTES),
    name: decodeText(fields.bytes('name', 0, NAME_MAX_BYTES)) ?? malformed('name: not UTF-8'),
    mailboxes: readMailboxes(fields),
  }),
})

/** Where the signing device is reached by its co-members. */
export interface MemberEndpoints {
  readonly mailboxes: readonly Mailbox[]
  /** Only in groups whose settings have members tell each other. */
  readonly home: HomeHost | undefined
  readonly seal: { readonly id: number; readonly publicKey: Bytes32 }
  /** The name it gives itself, at most 64 bytes of UTF-8; may be empty. */
  readonly name: string
}

export const groupMemberFrame: ControlKind<MemberEndpoints> = controlKind({
  kind: 0x1086,
  name: 'member',
  write: ({ mailboxes, home, seal, name }) => [
    mailboxes.map(encodeMailbox),
    home === undefined ? [] : [encodeHome(home)],
    [seal.id, seal.publicKey],
    encodeText(name),
  ],
  read: (fields) => {
    const mailboxes = readMailboxes(fields)
    const home = fields.array('home', 0, 1).map(decodeHome)[0]
    const sealFields = fields.nested('seal')
    const id = sealFields.uint('id', 255)
    if (id === 0) malformed('member.seal: id 0')
    const seal = { id, publicKey: sealFields.bytes('key', 32) }
    sealFields.end()
    const name = decodeText(fields.bytes('name', 0, NAME_MAX_BYTES))
    if (name === undefined) malformed('member.name: not UTF-8')
    return { mailboxes, home, seal, name }
  },
})

/** Member objects handed on, each with the device that signed it. */
export interface HandedMembers {
  readonly group: Bytes32
  readonly members: readonly {
    readonly device: Bytes32
    readonly member: Control<MemberEndpoints>
  }[]
}

function encodeMembers({ group, members }: HandedMembers): Uint8Array<ArrayBuffer> {
  const rows = members.map(({ device, member }) => [device, groupMemberFrame.encode(member)])
  return encodeCbor([1, group, rows])
}

function decodeMembers(body: Uint8Array): HandedMembers {
  const fields = versionedFields(body, 'members')
  const group = fields.bytes('gid', 32)
  let total = 0
  const members = fields.array('members', 0, MEMBERS_FRAME_MAX).map((value) => {
    const row = new FieldReader(value, 'members')
    const device = row.bytes('device', 32)
    const object = row.bytes('member', 1, MEMBERS_FRAME_BYTES)
    row.end()
    total += object.length
    return { device, member: groupMemberFrame.decode(object) }
  })
  fields.end()
  if (total > MEMBERS_FRAME_BYTES) malformed(`members: ${total} bytes`)
  return { group, members }
}

export const groupMembersFrame: ContentKind<HandedMembers> = {
  kind: 0x1087,
  name: 'members',
  encode: encodeMembers,
  decode: decodeMembers,
}
