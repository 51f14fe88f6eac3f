// What the recovery phrase gives: the account key, which signs device lists, and the rendezvous
// mailboxes where a restored account is found (SPEC.md §2).
import { type Bytes16, type Bytes32, type Bytes64, EMPTY, concat, u32 } from './bytes.ts'
import { hkdf } from './kdf.ts'
import { label } from './labels.ts'
import type { CryptoProvider } from './provider.ts'

/** AK's Ed25519 seed = HKDF("", seed64, L("account"), 32). Never stored; the caller wipes it. */
export function accountKeySeed(
  provider: CryptoProvider,
  phraseSeed: Bytes64,
): Uint8Array<ArrayBuffer> {
  return hkdf(provider, EMPTY, phraseSeed, label('account'), 32)
}

/**
 * rdvRoot_g = HKDF("", seed64, L("rdv") ‖ u32 g, 32): devices keep that of the current generation
 * alone, so that a lost device cannot overwrite the card that a restored account publishes.
 */
export function rendezvousRoot(
  provider: CryptoProvider,
  phraseSeed: Bytes64,
  generation: number,
): Uint8Array<ArrayBuffer> {
  return hkdf(provider, EMPTY, phraseSeed, concat(label('rdv'), u32(generation)), 32)
}

/** Ed25519 seed of a rendezvous mailbox's owner at one relay: HKDF(serviceKey, root, L("rdv-owner"), 32). */
export function rendezvousOwnerSeed(
  provider: CryptoProvider,
  root: Bytes32,
  serviceKey: Bytes32,
): Uint8Array<ArrayBuffer> {
  return hkdf(provider, serviceKey, root, label('rdv-owner'), 32)
}

/** H(L("rmbx") ‖ owner's public key)[0..16]: where the card lies at one relay. */
export function rendezvousMailboxId(
  provider: CryptoProvider,
  root: Bytes32,
  serviceKey: Bytes32,
): Bytes16 {
  const owner = provider.ed25519PublicKey(rendezvousOwnerSeed(provider, root, serviceKey))
  return provider.sha256(label('rmbx'), owner).slice(0, 16)
}
