// HChaCha20 (draft-irtf-cfrg-xchacha-03 §2.2): turns a key and 16 bytes of an XChaCha nonce into the
// key of plain ChaCha20. For backends whose AEAD has 12-byte nonces only.
import { hchacha } from '@noble/ciphers/chacha.js'
import type { Bytes16, Bytes32 } from './bytes.ts'
import { CryptoError } from './errors.ts'

function words(bytes: Uint8Array): Uint32Array<ArrayBuffer> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const out = new Uint32Array(bytes.length / 4)
  for (let i = 0; i < out.length; i++) out[i] = view.getUint32(4 * i, true)
  return out
}

/** "expand 32-byte k" */
const SIGMA = Uint32Array.of(0x61707865, 0x3320646e, 0x79622d32, 0x6b206574)

/** The subkey of a key and the first 16 bytes of a nonce: 32 bytes, to be wiped by the caller. */
export function hchacha20(key: Bytes32, nonce: Bytes16): Uint8Array<ArrayBuffer> {
  if (key.length !== 32 || nonce.length !== 16) {
    throw new CryptoError('ERR_CRYPTO_PARAMETER', 'HChaCha20: wrong length')
  }
  const subkey = new Uint32Array(8)
  const keyWords = words(key)
  hchacha(SIGMA, keyWords, words(nonce), subkey)
  const out = new Uint8Array(32)
  const view = new DataView(out.buffer)
  for (let i = 0; i < 8; i++) view.setUint32(4 * i, subkey[i] ?? 0, true)
  keyWords.fill(0)
  subkey.fill(0)
  return out
}
