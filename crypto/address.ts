// The address: an account key with a checksum, as 56 characters of base32 (SPEC.md §2).
import { decodeBase32, encodeBase32 } from './base32.ts'
import { type Bytes32, concat, equalBytes } from './bytes.ts'
import { CryptoError, expectLength, malformed } from './errors.ts'
import { label } from './labels.ts'
import type { CryptoProvider } from './provider.ts'

const VERSION = 0x01
const ADDRESS_BYTES = 35
/** Characters of an address without spaces and hyphens: no shorter text is one. */
export const ADDRESS_CHARS = 56

function checksum(provider: CryptoProvider, head: Uint8Array): Uint8Array {
  return provider.sha256(label('address'), head).subarray(0, 2)
}

/** base32(0x01 ‖ AK ‖ H(L("address") ‖ 0x01 ‖ AK)[0..2]): 56 characters. */
export function encodeAddress(provider: CryptoProvider, account: Bytes32): string {
  const head = concat(Uint8Array.of(VERSION), account)
  return encodeBase32(concat(head, checksum(provider, head)))
}

/**
 * The account key of an address, in any case, with spaces and hyphens. Throws ERR_WIRE_MALFORMED
 * (mistyped or cut), ERR_WIRE_UNSUPPORTED (another version) or ERR_CRYPTO_KEY.
 */
export function parseAddress(provider: CryptoProvider, text: string): Bytes32 {
  // Bounds the work on whatever was pasted; a spaced-out address is far below.
  if (text.length > 256) malformed('address: too long')
  const bytes = decodeBase32(text)
  expectLength(bytes, ADDRESS_BYTES, 'address')
  const head = bytes.subarray(0, 33)
  if (!equalBytes(checksum(provider, head), bytes.subarray(33))) {
    malformed('address: mistyped, its checksum does not hold')
  }
  if (bytes[0] !== VERSION) {
    throw new CryptoError('ERR_WIRE_UNSUPPORTED', 'address of another version')
  }
  const account = bytes.slice(1, 33)
  if (!provider.ed25519KeyAccepted(account)) {
    throw new CryptoError('ERR_CRYPTO_KEY', 'address: not an acceptable Ed25519 key')
  }
  return account
}
