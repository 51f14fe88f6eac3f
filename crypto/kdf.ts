// HKDF (RFC 5869) with SHA-256, and the signing rule, on any backend. Salt comes before the key
// material in every signature here; noble and node:crypto take them the other way round.
import { type Bytes32, concat } from './bytes.ts'
import { CryptoError } from './errors.ts'
import { label, type SignatureContext } from './labels.ts'
import type { CryptoProvider } from './provider.ts'

/** RFC 5869 §2.2: 32 bytes. */
export function hkdfExtract(
  provider: CryptoProvider,
  salt: Uint8Array,
  ikm: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return provider.hmac(salt, ikm)
}

/** RFC 5869 §2.3: `length` bytes, at most 255 * 32. */
export function hkdfExpand(
  provider: CryptoProvider,
  key: Uint8Array,
  info: Uint8Array,
  length: number,
): Uint8Array<ArrayBuffer> {
  if (length < 1 || length > 255 * 32) {
    throw new CryptoError('ERR_CRYPTO_PARAMETER', `HKDF cannot give ${length} bytes`)
  }
  const out = new Uint8Array(length)
  let block: Uint8Array = new Uint8Array(0)
  for (let i = 1, at = 0; at < length; i++, at += 32) {
    block = provider.hmac(key, block, info, Uint8Array.of(i))
    out.set(block.subarray(0, Math.min(32, length - at)), at)
  }
  return out
}

/** HKDF(salt, ikm, info, length) = Expand(Extract(salt, ikm), info, length). */
export function hkdf(
  provider: CryptoProvider,
  salt: Uint8Array,
  ikm: Uint8Array,
  info: Uint8Array,
  length: number,
): Uint8Array<ArrayBuffer> {
  return hkdfExpand(provider, hkdfExtract(provider, salt, ikm), info, length)
}

function signedBytes(
  provider: CryptoProvider,
  context: SignatureContext,
  message: Uint8Array,
): Uint8Array<ArrayBuffer> {
  // The id of a group's entry or operation is a hash already: it stands for H(m).
  const isId = context === 'group-entry' || context === 'group-op'
  const digest = isId ? message : provider.sha256(message)
  return concat(label(`sig/${context}`), digest)
}

/** Sign(k, ctx, m) = Ed25519(k, L("sig/" ‖ ctx) ‖ H(m)): 64 bytes (SPEC.md §1). */
export function sign(
  provider: CryptoProvider,
  seed: Bytes32,
  context: SignatureContext,
  message: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return provider.ed25519Sign(seed, signedBytes(provider, context, message))
}

/** Whether `signature` is Sign(k, ctx, m) under the one Ed25519 rule. */
export function verify(
  provider: CryptoProvider,
  publicKey: Uint8Array,
  context: SignatureContext,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  return provider.ed25519Verify(publicKey, signedBytes(provider, context, message), signature)
}
