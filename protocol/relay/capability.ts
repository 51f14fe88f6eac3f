// The right to deposit in somebody's mailbox (SPEC.md §12.4): 45 bytes that the owner derives from
// the mailbox secret and hands out inside encryption, and that the relay derives again from what
// the depositor shows. So a relay keeps nothing per contact, and a leaked capability ends with gen.
import {
  type Bytes8,
  type Bytes16,
  type Bytes32,
  type CryptoProvider,
  concat,
  expectLength,
  hkdf,
  label,
  readU32,
  u32,
  u8,
} from '../../crypto/index.ts'
import { GROUP_CAPABILITY_EXPIRES_S } from './limits.ts'
import type { DepositRequest } from './ops-mailbox.ts'

/** lane u8 ‖ exp u32 s ‖ capId8 ‖ capKey32. */
export const CAPABILITY_BYTES = 45

/** The lane of group mailboxes, and of nothing else. */
export const LANE_GROUP = 3

export interface Capability {
  /** 0 contacts, 1 strangers, 2 own devices, 3 group. */
  readonly lane: number
  /** Unix seconds. */
  readonly expiresS: number
  readonly capId: Bytes8
  readonly capKey: Bytes32
}

/** capKey = HKDF(serviceKey, secret, L("cap") ‖ u8 lane ‖ u32 exp ‖ capId, 32). */
export function deriveCapKey(
  provider: CryptoProvider,
  serviceKey: Bytes32,
  secret: Bytes32,
  capability: Omit<Capability, 'capKey'>,
): Bytes32 {
  const { lane, expiresS, capId } = capability
  return hkdf(
    provider,
    serviceKey,
    secret,
    concat(label('cap'), u8(lane), u32(expiresS), capId),
    32,
  )
}

/** The capability of one member device (its 8-byte pseudonym in the lineage) at a group's mailbox. */
export function groupCapability(
  provider: CryptoProvider,
  serviceKey: Bytes32,
  secret: Bytes32,
  capId: Bytes8,
): Capability {
  const right = { lane: LANE_GROUP, expiresS: GROUP_CAPABILITY_EXPIRES_S, capId }
  return { ...right, capKey: deriveCapKey(provider, serviceKey, secret, right) }
}

export function encodeCapability(capability: Capability): Uint8Array<ArrayBuffer> {
  const { lane, expiresS, capId, capKey } = capability
  return concat(u8(lane), u32(expiresS), capId, capKey)
}

/** Reads 45 bytes. Throws ERR_WIRE_MALFORMED. */
export function decodeCapability(bytes: Uint8Array): Capability {
  expectLength(bytes, CAPABILITY_BYTES, 'capability')
  return {
    lane: bytes[0] ?? 0,
    expiresS: readU32(bytes, 1),
    capId: bytes.slice(5, 13),
    capKey: bytes.slice(13),
  }
}

const ZEROS16: Uint8Array = new Uint8Array(16)

/** What the MAC of a deposit covers, beside the keys. */
export type MacedDeposit = Pick<
  DepositRequest,
  'mailboxId' | 'envId' | 'lane' | 'flags' | 'ttlS' | 'coalesce' | 'env'
>

/**
 * HMAC(capKey, L("dep") ‖ serviceKey ‖ ... ‖ H(env)): 32 bytes over 162 beside the label. Whoever
 * needs H(env) for more hands it in.
 */
export function depositMac(
  provider: CryptoProvider,
  keys: { readonly capKey: Bytes32; readonly serviceKey: Bytes32; readonly claim?: Bytes16 },
  deposit: MacedDeposit,
  envHash: Bytes32 = provider.sha256(deposit.env),
): Bytes32 {
  return provider.hmac(
    keys.capKey,
    label('dep'),
    keys.serviceKey,
    deposit.mailboxId,
    deposit.envId,
    u8(deposit.lane),
    u8(deposit.flags),
    u32(deposit.ttlS),
    deposit.coalesce ?? ZEROS16,
    keys.claim ?? ZEROS16,
    envHash,
  )
}

/** HMAC(capKey, L("take") ‖ serviceKey ‖ mailboxId ‖ subject ‖ claim): 32 bytes. */
export function takeMac(
  provider: CryptoProvider,
  keys: { readonly capKey: Bytes32; readonly serviceKey: Bytes32; readonly claim?: Bytes16 },
  mailboxId: Bytes16,
  subject: Bytes32,
): Bytes32 {
  const claim = keys.claim ?? ZEROS16
  return provider.hmac(keys.capKey, label('take'), keys.serviceKey, mailboxId, subject, claim)
}

/** H(nonce of HELLO ‖ u32 reqId ‖ u8 opIndex): what a TAKE is about, so that it cannot be replayed. */
export function takeSubject(
  provider: CryptoProvider,
  nonce: Bytes32,
  requestId: number,
  opIndex: number,
): Bytes32 {
  return provider.sha256(nonce, u32(requestId), u8(opIndex))
}
