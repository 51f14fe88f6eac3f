// Raw curve keys as node:crypto KeyObjects, the most recently used ones kept: an import costs about
// as much as the operation. Only keys that live long are kept; ratchet secrets never, for a kept
// object would outlive the wiping of its bytes.
import { type KeyObject, createHash, createPrivateKey, createPublicKey } from 'node:crypto'
import { noble } from '../crypto/index.ts'

type Curve = 'Ed25519' | 'X25519'

/** Verifying keys met again: members of groups and contacts. About 1 KiB each. */
const VERIFYING_KEYS_MAX = 4_096
/** One's own signing keys: device, mailboxes, a relay's service and process keys. */
const SIGNING_KEYS_MAX = 64
/** ML-KEM public keys of seeds: offers under way and one-time keys at the relays. 1.2 KiB each. */
const KEM_PUBLIC_KEYS_MAX = 256
/** A signing key is kept from this use on. */
const KEEP_FROM_USE = 8

/** A map that forgets the least recently used entry beyond its bound. */
class RecentlyUsed<V> {
  readonly #entries = new Map<string, V>()
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  get(key: string, create: () => V): V {
    const known = this.#entries.get(key)
    const value = known ?? create()
    if (known !== undefined) this.#entries.delete(key)
    else if (this.#entries.size >= this.#max) {
      const [oldest = key] = this.#entries.keys()
      this.#entries.delete(oldest)
    }
    this.#entries.set(key, value)
    return value
  }
}

const verifyingKeys = new RecentlyUsed<KeyObject>(VERIFYING_KEYS_MAX)
const signingKeys = new RecentlyUsed<KeyObject>(SIGNING_KEYS_MAX)
/** Uses of signing keys, by a hash of the seed: which ones are worth keeping. */
const signingUses = new RecentlyUsed<{ count: number }>(4 * SIGNING_KEYS_MAX)

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url')
}

function importPublic(curve: Curve, x: string): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: curve, x }, format: 'jwk' })
}

/** An X25519 public key that was checked before (SPEC.md §1), not kept: most are met once. */
export function dhKeyObject(publicKey: Uint8Array): KeyObject {
  return importPublic('X25519', base64url(publicKey))
}

/** An Ed25519 public key that was checked before (SPEC.md §1), kept. */
export function verifyingKeyObject(publicKey: Uint8Array): KeyObject {
  const x = base64url(publicKey)
  return verifyingKeys.get(x, () => importPublic('Ed25519', x))
}

function importJwk(curve: Curve, secret: Uint8Array): KeyObject {
  const d = base64url(secret)
  return createPrivateKey({ key: { kty: 'OKP', crv: curve, d, x: '' }, format: 'jwk' })
}

/** PKCS #8 (RFC 8410 §7) of a 32-byte secret, up to the secret. */
const PKCS8: Readonly<Record<Curve, Buffer>> = {
  Ed25519: Buffer.from('302e020100300506032b657004220420', 'hex'),
  X25519: Buffer.from('302e020100300506032b656e04220420', 'hex'),
}

function importPkcs8(curve: Curve, secret: Uint8Array): KeyObject {
  const key = Buffer.concat([PKCS8[curve], secret])
  try {
    return createPrivateKey({ key, format: 'der', type: 'pkcs8' })
  } finally {
    key.fill(0)
  }
}

/**
 * Whether a JWK may leave x empty, as Node 20 to 24 take it: an import that is ten times cheaper
 * than DER there. Later ones want the public key, which costs more than it saves.
 */
function takesJwkWithoutX(): boolean {
  try {
    importJwk('X25519', new Uint8Array(32).fill(1))
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false
    throw error
  }
}

const importSecret = takesJwkWithoutX() ? importJwk : importPkcs8

/** The secret key of 32 bytes, not kept. */
export function secretKeyObject(curve: Curve, secret: Uint8Array): KeyObject {
  return importSecret(curve, secret)
}

/**
 * The Ed25519 signing key of a seed. It is kept, under a hash of the seed, from its 8th use on: so
 * device and service keys are, and an account key, which signs one list and is wiped, is not.
 */
export function signingKeyObject(seed: Uint8Array): KeyObject {
  const name = createHash('sha256').update(seed).digest('base64url')
  const uses = signingUses.get(name, () => ({ count: 0 }))
  uses.count++
  if (uses.count < KEEP_FROM_USE) return secretKeyObject('Ed25519', seed)
  return signingKeys.get(name, () => secretKeyObject('Ed25519', seed))
}

const kemPublicKeys = new RecentlyUsed<Uint8Array>(KEM_PUBLIC_KEYS_MAX)

/**
 * The ML-KEM public key of a seed, kept under a hash of the seed: an offer repeats it, and whoever
 * answers names it. Nothing secret is kept. Never to be written to.
 */
export function kemPublicKey(seed: Uint8Array): Uint8Array {
  const name = createHash('sha256').update(seed).digest('base64url')
  return kemPublicKeys.get(name, () => noble.mlkemPublicKey(seed))
}
