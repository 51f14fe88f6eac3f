// How an owner proves a mailbox on one stream (SPEC.md §12.4). The statement names the relay's
// nonce, both transport keys and the service: it is worth nothing on any other stream.
import {
  type Bytes16,
  type Bytes32,
  type Bytes64,
  type CryptoProvider,
  EMPTY,
  concat,
  sign,
  u32,
  u8,
  verify,
} from '../../crypto/index.ts'
import type { MailboxType } from './ops-session.ts'

/** What both ends of one stream know. */
export interface StreamBinding {
  /** Nonce of the HELLO reply. */
  readonly nonce: Bytes32
  readonly serviceKey: Bytes32
  readonly relayTransportKey: Bytes32
  readonly clientTransportKey: Bytes32
}

function authStatement(stream: StreamBinding, type: MailboxType, id: Bytes16): Uint8Array {
  return concat(
    stream.nonce,
    stream.serviceKey,
    stream.relayTransportKey,
    stream.clientTransportKey,
    u8(type),
    id,
  )
}

/** Signature (64 bytes) of AUTH. */
export function signAuth(
  provider: CryptoProvider,
  ownerSeed: Bytes32,
  stream: StreamBinding,
  mailbox: { readonly type: MailboxType; readonly mailboxId: Bytes16 },
): Bytes64 {
  const statement = authStatement(stream, mailbox.type, mailbox.mailboxId)
  return sign(provider, ownerSeed, 'relay-auth', statement)
}

export function verifyAuth(
  provider: CryptoProvider,
  proof: { readonly ownerKey: Bytes32; readonly signature: Bytes64 },
  stream: StreamBinding,
  mailbox: { readonly type: MailboxType; readonly mailboxId: Bytes16 },
): boolean {
  const statement = authStatement(stream, mailbox.type, mailbox.mailboxId)
  return verify(provider, proof.ownerKey, 'relay-auth', statement, proof.signature)
}

/** What OPEN binds beyond AUTH: H(secret), or nothing for type 3, and the generation. */
export interface OpenedMailbox {
  readonly type: MailboxType
  readonly mailboxId: Bytes16
  readonly secret: Bytes32 | undefined
  readonly gen: number
}

function openStatement(
  provider: CryptoProvider,
  stream: StreamBinding,
  mailbox: OpenedMailbox,
): Uint8Array {
  return concat(
    authStatement(stream, mailbox.type, mailbox.mailboxId),
    mailbox.secret === undefined ? EMPTY : provider.sha256(mailbox.secret),
    u32(mailbox.gen),
  )
}

/** Signature (64 bytes) of OPEN. */
export function signOpen(
  provider: CryptoProvider,
  ownerSeed: Bytes32,
  stream: StreamBinding,
  mailbox: OpenedMailbox,
): Bytes64 {
  return sign(provider, ownerSeed, 'mailbox-open', openStatement(provider, stream, mailbox))
}

export function verifyOpen(
  provider: CryptoProvider,
  proof: { readonly ownerKey: Bytes32; readonly signature: Bytes64 },
  stream: StreamBinding,
  mailbox: OpenedMailbox,
): boolean {
  const statement = openStatement(provider, stream, mailbox)
  return verify(provider, proof.ownerKey, 'mailbox-open', statement, proof.signature)
}
