// Keys, secrets and ids of mailboxes (SPEC.md §12.4). An id is the hash of the key that owns the
// mailbox, so there is nothing to register and nobody to race; keys differ per relay, so the
// mailboxes of one device at two relays cannot be told to be one device's.
import {
  type Bytes16,
  type Bytes32,
  type CryptoProvider,
  EMPTY,
  concat,
  hkdf,
  label,
  u32,
} from '../../crypto/index.ts'
import type { MailboxType } from './ops-session.ts'

/** Owner seed (32 bytes) of a device mailbox, from the device's mailbox root. */
export function deviceOwnerSeed(
  provider: CryptoProvider,
  serviceKey: Bytes32,
  mailboxRoot: Bytes32,
): Bytes32 {
  return hkdf(provider, serviceKey, mailboxRoot, label('mailbox-owner'), 32)
}

/** Secret (32 bytes) of a device mailbox in generation `gen`: re-derivable, so no copy is kept. */
export function deviceMailboxSecret(
  provider: CryptoProvider,
  serviceKey: Bytes32,
  mailboxRoot: Bytes32,
  gen: number,
): Bytes32 {
  return hkdf(provider, serviceKey, mailboxRoot, concat(label('mailbox-secret'), u32(gen)), 32)
}

/** What every member of a lineage has of its mailbox at one relay. */
export interface GroupMailboxKeys {
  /** Proves the mailbox (AUTH, OPEN): reading. */
  readonly ownerSeed: Bytes32
  readonly ownerKey: Bytes32
  /** From which capabilities derive: writing. */
  readonly secret: Bytes32
  /** H(secret): the id names it, so nobody can open this mailbox under another secret. */
  readonly bind: Bytes32
  readonly mailboxId: Bytes16
}

/** Keys and id of a group's mailbox at one relay, from the lineage secret G (32 bytes). */
export function groupMailboxKeys(
  provider: CryptoProvider,
  serviceKey: Bytes32,
  lineageSecret: Bytes32,
): GroupMailboxKeys {
  const ownerSeed = hkdf(provider, serviceKey, lineageSecret, label('gmbx-read'), 32)
  const secret = hkdf(provider, serviceKey, lineageSecret, label('gmbx-write'), 32)
  const ownerKey = provider.ed25519PublicKey(ownerSeed)
  const bind = provider.sha256(secret)
  const mailboxId = mailboxIdOf(provider, 2, ownerKey, bind)
  return { ownerSeed, ownerKey, secret, bind, mailboxId }
}

const ID_LABELS = { 1: 'mbx', 2: 'gmbx', 3: 'rmbx' } as const

/** mailboxId (16 bytes). `bind` = H(secret) for type 2, undefined otherwise. */
export function mailboxIdOf(
  provider: CryptoProvider,
  type: MailboxType,
  ownerKey: Bytes32,
  bind?: Bytes32,
): Bytes16 {
  return provider.sha256(label(ID_LABELS[type]), ownerKey, bind ?? EMPTY).slice(0, 16)
}

/** H(L("service") ‖ serviceKey)[0..16]: how an invite names a relay. */
export function serviceKeyHash(provider: CryptoProvider, serviceKey: Bytes32): Bytes16 {
  return provider.sha256(label('service'), serviceKey).slice(0, 16)
}
