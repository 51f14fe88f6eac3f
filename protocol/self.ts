// The keys of this device, as every machine sees them. Made once at `init`, for the device's life.
import type { Bytes32 } from '../crypto/index.ts'

export interface Self {
  /** AK: the account's Ed25519 public key. Its secret is not here: only the words have it. */
  readonly account: Bytes32
  /** DK: this device's Ed25519 public key, and the seed of its secret. */
  readonly device: Bytes32
  readonly deviceSeed: Bytes32
  /** DDH: this device's X25519 public key, and its secret. */
  readonly dh: Bytes32
  readonly dhSecret: Bytes32
  /** Root of the owner keys and secrets of this device's mailboxes (SPEC.md §12). */
  readonly mailboxRoot: Bytes32
}
