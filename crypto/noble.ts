// The reference backend: noble on every primitive. Portable; the curve work is 12 to 30 times
// slower than node:crypto, which is why the node hands in a second backend (node/native-crypto.ts).
import { chacha20poly1305, xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256, sha512 } from '@noble/hashes/sha2.js'
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js'
import { type Bytes32, concat, equalBytes } from './bytes.ts'
import { CryptoError } from './errors.ts'
import { expectAeadLengths, expectSecretLength } from './lengths.ts'
import { ed25519KeyIsStrict, signatureScalarIsReduced } from './strict-ed25519.ts'
import { checkX25519PublicKey } from './strict-x25519.ts'
import type { CryptoProvider } from './provider.ts'

function own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength
    ? (bytes as Uint8Array<ArrayBuffer>)
    : new Uint8Array(bytes)
}

function bigintLittleEndian(bytes: Uint8Array): bigint {
  let value = 0n
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] ?? 0)
  return value
}

const { Point } = ed25519
const ORDER = Point.Fn.ORDER

function open(run: () => Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  try {
    return own(run())
  } catch (cause) {
    // Lengths were checked: what noble throws here as a plain Error is a tag that does not hold.
    if (cause instanceof TypeError || cause instanceof RangeError) throw cause
    return undefined
  }
}

function agree(secret: Bytes32, publicKey: Uint8Array): Uint8Array<ArrayBuffer> {
  expectSecretLength(secret)
  checkX25519PublicKey(publicKey)
  try {
    return own(x25519.getSharedSecret(secret, publicKey))
  } catch (cause) {
    throw new CryptoError('ERR_CRYPTO_KEY', 'X25519 key of small order', { cause })
  }
}

export const noble: CryptoProvider = {
  name: 'noble',
  sha256: (...parts) => own(sha256(parts.length === 1 && parts[0] ? parts[0] : concat(...parts))),
  sha512: (...parts) => own(sha512(parts.length === 1 && parts[0] ? parts[0] : concat(...parts))),
  hmac: (key, ...parts) =>
    own(hmac(sha256, key, parts.length === 1 && parts[0] ? parts[0] : concat(...parts))),

  aeadSeal: (key, nonce, aad, plaintext) => {
    expectAeadLengths(key, nonce, 12)
    return own(chacha20poly1305(key, nonce, aad).encrypt(plaintext))
  },
  aeadOpen: (key, nonce, aad, sealed) => {
    expectAeadLengths(key, nonce, 12)
    return sealed.length < 16
      ? undefined
      : open(() => chacha20poly1305(key, nonce, aad).decrypt(sealed))
  },
  xaeadSeal: (key, nonce, aad, plaintext) => {
    expectAeadLengths(key, nonce, 24)
    return own(xchacha20poly1305(key, nonce, aad).encrypt(plaintext))
  },
  xaeadOpen: (key, nonce, aad, sealed) => {
    expectAeadLengths(key, nonce, 24)
    return sealed.length < 16
      ? undefined
      : open(() => xchacha20poly1305(key, nonce, aad).decrypt(sealed))
  },

  ed25519PublicKey: (seed) => {
    expectSecretLength(seed)
    return own(ed25519.getPublicKey(seed))
  },
  ed25519Sign: (seed, message) => {
    expectSecretLength(seed)
    return own(ed25519.sign(message, seed))
  },
  ed25519KeyAccepted: (publicKey) => ed25519KeyIsStrict(publicKey),
  ed25519Verify: (publicKey, message, signature) => {
    if (!signatureScalarIsReduced(signature) || !ed25519KeyIsStrict(publicKey)) return false
    const r = signature.subarray(0, 32)
    const s = bigintLittleEndian(signature.subarray(32))
    const k = bigintLittleEndian(sha512(concat(r, publicKey, message))) % ORDER
    // Never ed25519.verify: noble is cofactored, OpenSSL is not, and two rules fork a group.
    const a = Point.fromBytes(publicKey, false)
    return equalBytes(Point.BASE.multiplyUnsafe(s).subtract(a.multiplyUnsafe(k)).toBytes(), r)
  },

  x25519PublicKey: (secret) => {
    expectSecretLength(secret)
    return own(x25519.getPublicKey(secret))
  },
  x25519: agree,
  x25519Key: (secret) => ({
    publicKey: noble.x25519PublicKey(secret),
    agree: (publicKey) => noble.x25519(secret, publicKey),
  }),

  mlkemPublicKey: (seed) => own(ml_kem768.keygen(seed).publicKey),
  mlkemEncapsulate: (publicKey, m) => {
    try {
      const { cipherText, sharedSecret } = ml_kem768.encapsulate(publicKey, m)
      return { ciphertext: own(cipherText), secret: own(sharedSecret) }
    } catch (cause) {
      throw new CryptoError('ERR_CRYPTO_KEY', 'not an ML-KEM-768 key', { cause })
    }
  },
  mlkemDecapsulate: (seed, ciphertext) => {
    try {
      return own(ml_kem768.decapsulate(ciphertext, ml_kem768.keygen(seed).secretKey))
    } catch (cause) {
      throw new CryptoError('ERR_CRYPTO_KEY', 'not an ML-KEM-768 ciphertext', { cause })
    }
  },
}
