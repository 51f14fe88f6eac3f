// HChaCha20 (draft-irtf-cfrg-xchacha-03 §2.2): turns a key and 16 bytes of an XChaCha nonce into the
// key of plain ChaCha20. For backends whose AEAD has 12-byte nonces only.
import { hchacha } from '@noble/ciphers/chacha.js'
import type { Bytes16, Bytes32 } from './bytes.ts'
import { CryptoError } from './errors.ts'
import { encodeText } from './text.ts'

/** Words over bytes as they lie in memory: noble minds the order of the host. */
const SIGMA = new Uint32Array(encodeText('expand 32-byte k').buffer)
/** For one synchronous run each: every value is sealed and opened through here. */
const keyWords = new Uint32Array(8)
const nonceWords = new Uint32Array(4)
const keyBytes = new Uint8Array(keyWords.buffer)
const nonceBytes = new Uint8Array(nonceWords.buffer)

/** The subkey of a key and the first 16 bytes of a nonce: 32 bytes, to be wiped by the caller. */
export function hchacha20(key: Bytes32, nonce: Bytes16): Uint8Array<ArrayBuffer> {
  if (key.length !== 32 || nonce.length !== 16) {
    throw new CryptoError('ERR_CRYPTO_PARAMETER', 'HChaCha20: wrong length')
  }
  const subkey = new Uint32Array(8)
  keyBytes.set(key)
  nonceBytes.set(nonce)
  hchacha(SIGMA, keyWords, nonceWords, subkey)
  keyBytes.fill(0)
  return new Uint8Array(subkey.buffer)
}
