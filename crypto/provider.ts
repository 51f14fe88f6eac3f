// The primitives everything else is built from. Two backends implement this interface byte for byte
// alike: noble.ts here (portable, the reference) and node/native-crypto.ts (node:crypto, faster).
import type { Bytes, Bytes12, Bytes24, Bytes32, Bytes64 } from './bytes.ts'

/** A secret of X25519 taken in once for several uses: as long-lived as whoever holds it. */
export interface X25519Key {
  readonly publicKey: Uint8Array<ArrayBuffer>
  /** As {@link CryptoProvider.x25519}. */
  agree(publicKey: Uint8Array): Uint8Array<ArrayBuffer>
}

export interface CryptoProvider {
  readonly name: string

  /** SHA-256 (FIPS 180-4) of the concatenation of the parts. */
  sha256(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer>
  /** SHA-512 (FIPS 180-4) of the concatenation of the parts. */
  sha512(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer>
  /** HMAC-SHA-256 (RFC 2104) of the concatenation of the parts: 32 bytes. */
  hmac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer>

  /** ChaCha20-Poly1305 (RFC 8439 §2.8): ciphertext ‖ tag(16). */
  aeadSeal(
    key: Bytes32,
    nonce: Bytes12,
    aad: Uint8Array,
    plaintext: Uint8Array,
  ): Uint8Array<ArrayBuffer>
  /** The plaintext, or undefined where the tag does not hold. */
  aeadOpen(
    key: Bytes32,
    nonce: Bytes12,
    aad: Uint8Array,
    sealed: Uint8Array,
  ): Uint8Array<ArrayBuffer> | undefined
  /** XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03): ciphertext ‖ tag(16). */
  xaeadSeal(
    key: Bytes32,
    nonce: Bytes24,
    aad: Uint8Array,
    plaintext: Uint8Array,
  ): Uint8Array<ArrayBuffer>
  xaeadOpen(
    key: Bytes32,
    nonce: Bytes24,
    aad: Uint8Array,
    sealed: Uint8Array,
  ): Uint8Array<ArrayBuffer> | undefined

  /** Ed25519 public key of a 32-byte seed (RFC 8032 §5.1.5). */
  ed25519PublicKey(seed: Bytes32): Uint8Array<ArrayBuffer>
  /** Ed25519 signature, 64 bytes (RFC 8032 §5.1.6). */
  ed25519Sign(seed: Bytes32, message: Uint8Array): Uint8Array<ArrayBuffer>
  /**
   * The one Ed25519 rule of SPEC.md §1: canonical key that is not of small order, S < L, cofactorless,
   * R compared as bytes. False for anything else; never throws on bytes from outside.
   */
  ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
  /** Whether a 32-byte Ed25519 public key may be used at all (SPEC.md §1). */
  ed25519KeyAccepted(publicKey: Uint8Array): boolean

  /** X25519 public key of a 32-byte secret (RFC 7748 §6.1). */
  x25519PublicKey(secret: Bytes32): Uint8Array<ArrayBuffer>
  /**
   * X25519 (RFC 7748 §5). Throws ERR_CRYPTO_KEY for a public key >= p or with the top bit set, and
   * for an all-zero output.
   */
  x25519(secret: Bytes32, publicKey: Uint8Array): Uint8Array<ArrayBuffer>

  /** For a secret that is used more than once in one step: taking it in costs as much as a use. */
  x25519Key(secret: Bytes32): X25519Key

  /** ML-KEM-768 encapsulation key, 1184 bytes, of the seed d ‖ z (FIPS 203 §7.1). */
  mlkemPublicKey(seed: Bytes64): Uint8Array<ArrayBuffer>
  /**
   * ML-KEM-768 encapsulation with 32 bytes of randomness m (FIPS 203 §7.2): ciphertext 1088 bytes,
   * shared secret 32 bytes. Throws ERR_CRYPTO_KEY where the modulus check of the key fails.
   */
  mlkemEncapsulate(
    publicKey: Bytes<1184>,
    m: Bytes32,
  ): { readonly ciphertext: Uint8Array<ArrayBuffer>; readonly secret: Uint8Array<ArrayBuffer> }
  /** ML-KEM-768 decapsulation (FIPS 203 §7.3), implicit rejection included: 32 bytes. */
  mlkemDecapsulate(seed: Bytes64, ciphertext: Bytes<1088>): Uint8Array<ArrayBuffer>
}
