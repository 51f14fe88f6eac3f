// Frame 0x1002, intro: who writes, by which invite, and where answers go. In every message to a
// device from which nothing was ever received (SPEC.md §3).
//
// [1, inviteId16|"", proof32|"", name <=64 B, [Mailbox with cap] <=3] +
import {
  type Bytes16,
  type Bytes32,
  decodeText,
  encodeCbor,
  encodeMailbox,
  encodeText,
  type Mailbox,
  MAILBOXES_MAX,
  malformed,
  readMailbox,
} from '../../crypto/index.ts'
import { NAME_MAX_BYTES } from '../limits.ts'
import { optionalBytes, versionedFields } from './fields.ts'
import type { ContentKind } from './kind.ts'

export interface Intro {
  /** The invite answered; undefined where there is none. */
  readonly invite: { readonly id: Bytes16; readonly proof: Bytes32 } | undefined
  /** Display name the sender gives itself, at most 64 bytes of UTF-8; may be empty. */
  readonly name: string
  /** Where the sender's device is written to, each with a capability. */
  readonly mailboxes: readonly Mailbox[]
}

function encode(intro: Intro): Uint8Array<ArrayBuffer> {
  return encodeCbor([
    1,
    optionalBytes(intro.invite?.id),
    optionalBytes(intro.invite?.proof),
    encodeText(intro.name),
    intro.mailboxes.map(encodeMailbox),
  ])
}

function decode(body: Uint8Array): Intro {
  const fields = versionedFields(body, 'intro')
  const id = fields.optional('inviteId', 16)
  const proof = fields.optional('proof', 32)
  if ((id === undefined) !== (proof === undefined)) malformed('intro: an invite without its proof')
  const name = decodeText(fields.bytes('name', 0, NAME_MAX_BYTES))
  if (name === undefined) malformed('intro.name: not UTF-8')
  const mailboxes = fields.array('mailboxes', 0, MAILBOXES_MAX).map(readMailbox)
  if (mailboxes.some((mailbox) => mailbox.capability === undefined)) {
    malformed('intro: a mailbox without a capability')
  }
  const invite = id === undefined || proof === undefined ? undefined : { id, proof }
  return { invite, name, mailboxes }
}

export const introFrame: ContentKind<Intro> = { kind: 0x1002, name: 'intro', encode, decode }
