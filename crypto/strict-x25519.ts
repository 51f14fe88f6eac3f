// Which X25519 public keys are accepted (SPEC.md §1): raw bytes enter transcripts, so only the
// canonical encoding of a point is a key.
import { CryptoError } from './errors.ts'

/** Throws ERR_CRYPTO_KEY unless 32 bytes, top bit clear, value below p = 2^255 - 19. */
export function checkX25519PublicKey(publicKey: Uint8Array): void {
  if (publicKey.length !== 32) throw new CryptoError('ERR_CRYPTO_KEY', 'X25519 key: not 32 bytes')
  const top = publicKey[31] ?? 0
  if (top > 0x7f) throw new CryptoError('ERR_CRYPTO_KEY', 'X25519 key: top bit set')
  let allOnes = top === 0x7f
  for (let i = 1; i < 31; i++) allOnes &&= publicKey[i] === 0xff
  if (allOnes && (publicKey[0] ?? 0) >= 0xed) {
    throw new CryptoError('ERR_CRYPTO_KEY', 'X25519 key: not below p')
  }
}
