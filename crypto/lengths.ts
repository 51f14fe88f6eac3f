// Lengths that every backend checks alike: libraries differ in which wrong ones they take, pad or
// call a bad tag. A wrong length is the caller's mistake, never a verdict about bytes from outside.
import { CryptoError } from './errors.ts'

/** Throws ERR_CRYPTO_PARAMETER unless the key has 32 bytes and the nonce as many as stated. */
export function expectAeadLengths(key: Uint8Array, nonce: Uint8Array, nonceLength: number): void {
  if (key.length !== 32 || nonce.length !== nonceLength) {
    throw new CryptoError('ERR_CRYPTO_PARAMETER', 'AEAD: wrong length of key or nonce')
  }
}

/** Throws ERR_CRYPTO_PARAMETER unless a seed or secret has 32 bytes. */
export function expectSecretLength(secret: Uint8Array): void {
  if (secret.length !== 32) throw new CryptoError('ERR_CRYPTO_PARAMETER', 'secret: not 32 bytes')
}
