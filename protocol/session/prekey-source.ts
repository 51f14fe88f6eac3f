// What the session machine asks of the prekeys (SPEC.md §4). The prekey store implements it.
import type { Bytes32, Bytes64 } from '../../crypto/index.ts'
import type { Step } from '../step.ts'

export interface SecretKeyPair {
  readonly secret: Bytes32
  readonly publicKey: Bytes32
}

/** A one-time key: here, used before, or never issued (or forgotten). */
export type OneTime<T> =
  | { readonly kind: 'live'; readonly key: T }
  | { readonly kind: 'consumed' }
  | { readonly kind: 'unknown' }

export interface PrekeySource {
  /** A signed prekey of this device by its id; undefined where its secret is not here. */
  spk(id: number): Step<SecretKeyPair | undefined>
  /** Seed d ‖ z of an ML-KEM-768 prekey, one-time or long-term, by its id. */
  kem(id: number): Step<OneTime<Bytes64>>
  /** A one-time X25519 prekey by its id; never asked for id 0. */
  opk(id: number): Step<OneTime<SecretKeyPair>>
  /**
   * Deletes the secrets of the one-time keys a handshake used and leaves their tombstones, in the
   * same batch. Long-term ids and id 0 are left alone.
   */
  consume(used: { readonly opkId: number; readonly kemId: number }): Step<void>
}
