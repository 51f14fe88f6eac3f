// Invite links: everything a stranger needs to write to an account once, in at most 112 bytes, as
// text, file or QR code of 22 rows (SPEC.md §3).
import { decodeBase32, encodeBase32 } from './base32.ts'
import { type Bytes16, type Bytes32, EMPTY, concat, equalBytes, readU32, u32, u8 } from './bytes.ts'
import { CryptoError } from './errors.ts'
import { hkdf } from './kdf.ts'
import { label } from './labels.ts'
import { LINK_MAX_BYTES, LINK_TEXT_MAX_CHARS } from './limits.ts'
import { decodeLinkAddress, encodeLinkAddress } from './link-address.ts'
import type { CryptoProvider } from './provider.ts'

const PREFIX = 'sotto:'
const RELAY = 0x01
const DIRECT = 0x02
const GROUP = 0x10
/** Bytes before the address, and of the check after it. */
const HEAD_BYTES = 85
const CHECK_BYTES = 3
const ADDRESS_MIN_BYTES = 4

/** Where the first message goes. */
export type InviteWhere =
  | {
      readonly kind: 'relay'
      readonly mailboxId: Bytes16
      /** First 16 bytes of H(L("service") ‖ service key): see {@link serviceKeyHash}. */
      readonly serviceHash: Bytes16
    }
  | { readonly kind: 'direct'; readonly transportKey: Bytes32 }

export interface InviteLink {
  readonly account: Bytes32
  /** Never travels: proofs and capabilities derive from it. */
  readonly secret: Bytes16
  readonly where: InviteWhere
  /** Multiaddr text of the relay or the home host, without /p2p. */
  readonly address: string
  /** Unix seconds. */
  readonly expiresAtS: number
  /** Whether it joins a group. */
  readonly group: boolean
}

/** Why a text is no usable invite link. */
export type InviteLinkFault =
  | 'not-a-link' // it does not begin with sotto:
  | 'damaged' // cut or mistyped: its check does not hold
  | 'unsupported-version' // intact, but of a later version

/** `code` is ERR_WIRE_UNSUPPORTED for a later version, else ERR_WIRE_MALFORMED. */
export class InviteLinkError extends CryptoError {
  readonly reason: InviteLinkFault

  constructor(reason: InviteLinkFault, message: string, options?: { readonly cause?: unknown }) {
    const unsupported = reason === 'unsupported-version'
    super(unsupported ? 'ERR_WIRE_UNSUPPORTED' : 'ERR_WIRE_MALFORMED', message, options)
    this.reason = reason
  }
}

/** H(L("service") ‖ serviceKey)[0..16]: which relay a link means, whatever its address. */
export function serviceKeyHash(provider: CryptoProvider, serviceKey: Bytes32): Bytes16 {
  return provider.sha256(label('service'), serviceKey).slice(0, 16)
}

function check(provider: CryptoProvider, before: Uint8Array): Uint8Array {
  return provider.sha256(label('link'), before).subarray(0, CHECK_BYTES)
}

/** The text of a link, lower case: at most 186 characters. Throws ERR_CRYPTO_PARAMETER. */
export function encodeInviteLink(provider: CryptoProvider, link: InviteLink): string {
  const { account, secret, where, expiresAtS } = link
  const place =
    where.kind === 'relay' ? concat(where.mailboxId, where.serviceHash) : where.transportKey
  if (account.length !== 32 || secret.length !== 16 || place.length !== 32) {
    throw new CryptoError('ERR_CRYPTO_PARAMETER', 'invite link: wrong length')
  }
  if (!Number.isInteger(expiresAtS) || expiresAtS < 0 || expiresAtS > 0xffff_ffff) {
    throw new CryptoError('ERR_CRYPTO_PARAMETER', 'invite link: expiry outside u32 seconds')
  }
  const version = (where.kind === 'relay' ? RELAY : DIRECT) + (link.group ? GROUP : 0)
  const before = concat(
    u8(version),
    account,
    secret,
    place,
    u32(expiresAtS),
    encodeLinkAddress(link.address),
  )
  return PREFIX + encodeBase32(concat(before, check(provider, before)))
}

/** The form for QR codes: all its characters are in the alphanumeric mode. */
export function inviteLinkForQr(text: string): string {
  return text.toUpperCase()
}

function readLinkBytes(text: string): Uint8Array<ArrayBuffer> {
  const compact = text.slice(0, LINK_TEXT_MAX_CHARS + 1).replaceAll(/\s/g, '')
  if (compact.slice(0, PREFIX.length).toLowerCase() !== PREFIX) {
    throw new InviteLinkError('not-a-link', 'not an invite link: it does not begin with sotto:')
  }
  if (text.length > LINK_TEXT_MAX_CHARS) {
    throw new InviteLinkError('damaged', 'the invite link is too long')
  }
  try {
    return decodeBase32(compact.slice(PREFIX.length))
  } catch (cause) {
    throw damaged(cause)
  }
}

function damaged(cause?: unknown): InviteLinkError {
  return new InviteLinkError('damaged', 'the invite link is cut or mistyped', { cause })
}

/**
 * Reads a link as people hand it on: any case, with spaces, hyphens and line breaks. Whether it has
 * expired is for who made it to judge. Throws {@link InviteLinkError}.
 */
export function parseInviteLink(provider: CryptoProvider, text: string): InviteLink {
  const bytes = readLinkBytes(text)
  const end = bytes.length - CHECK_BYTES
  if (end < 1 || !equalBytes(check(provider, bytes.subarray(0, end)), bytes.subarray(end))) {
    throw damaged()
  }
  const version = bytes[0] ?? 0
  const kind = version & ~GROUP
  if (kind !== RELAY && kind !== DIRECT) {
    throw new InviteLinkError('unsupported-version', `an invite link of version ${version}`)
  }
  const tooShort = bytes.length < HEAD_BYTES + ADDRESS_MIN_BYTES + CHECK_BYTES
  const account = bytes.slice(1, 33)
  if (tooShort || bytes.length > LINK_MAX_BYTES || !provider.ed25519KeyAccepted(account)) {
    throw damaged()
  }
  const where: InviteWhere =
    kind === RELAY
      ? { kind: 'relay', mailboxId: bytes.slice(49, 65), serviceHash: bytes.slice(65, 81) }
      : { kind: 'direct', transportKey: bytes.slice(49, 81) }
  return {
    account,
    secret: bytes.slice(33, 49),
    where,
    address: readShortAddress(bytes.subarray(HEAD_BYTES, end)),
    expiresAtS: readU32(bytes, 81),
    group: (version & GROUP) !== 0,
  }
}

function readShortAddress(bytes: Uint8Array): string {
  try {
    return decodeLinkAddress(bytes)
  } catch (cause) {
    throw damaged(cause)
  }
}

/** HKDF("", secret, L("invite-id"), 16): names an invite in intro and in its owner's list. */
export function inviteId(provider: CryptoProvider, secret: Bytes16): Bytes16 {
  return hkdf(provider, EMPTY, secret, label('invite-id'), 16)
}

/** What the owner registers at the relay and the invitee deposits with. */
export interface InviteCapability {
  /** HKDF("", secret, L("invite-cap-id") ‖ mailboxId, 8) */
  readonly capId: Uint8Array
  /** HKDF("", secret, L("invite-cap") ‖ mailboxId, 32) */
  readonly capKey: Bytes32
}

export function inviteCapability(
  provider: CryptoProvider,
  secret: Bytes16,
  mailboxId: Bytes16,
): InviteCapability {
  const idInfo = concat(label('invite-cap-id'), mailboxId)
  const keyInfo = concat(label('invite-cap'), mailboxId)
  return {
    capId: hkdf(provider, EMPTY, secret, idInfo, 8),
    capKey: hkdf(provider, EMPTY, secret, keyInfo, 32),
  }
}

/** HMAC(HKDF("", secret, L("invite-proof"), 32), L("invite-proof") ‖ T): binds an invite to one handshake. */
export function inviteProof(
  provider: CryptoProvider,
  secret: Bytes16,
  transcript: Bytes32,
): Bytes32 {
  const key = hkdf(provider, EMPTY, secret, label('invite-proof'), 32)
  return provider.hmac(key, label('invite-proof'), transcript)
}
