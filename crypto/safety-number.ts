// The safety number of two accounts: 60 digits to read aloud and 65 bytes to scan, built as
// libsignal builds its fingerprints, over account keys (SPEC.md §2).
import { type Bytes32, concat, equalBytes } from './bytes.ts'
import { SAFETY_NUMBER_ROUNDS } from './limits.ts'
import type { CryptoProvider } from './provider.ts'

export interface SafetyNumber {
  /** 60 decimal digits, the same on both sides. */
  readonly digits: string
  /** `0x01 ‖ d_mine[0..32] ‖ d_theirs[0..32]`: 65 bytes for a QR code. */
  readonly qr: Uint8Array
}

/** libsignal's iterated fingerprint of a 33-byte public key and a stable identifier: 64 bytes. */
export function fingerprint(
  provider: CryptoProvider,
  publicKey: Uint8Array,
  identifier: Uint8Array,
): Uint8Array<ArrayBuffer> {
  let digest = provider.sha512(concat(Uint8Array.of(0, 0), publicKey, identifier, publicKey))
  for (let round = 1; round < SAFETY_NUMBER_ROUNDS; round++) {
    digest = provider.sha512(digest, publicKey)
  }
  return digest
}

/** Six groups of five digits: u40 of five bytes modulo 100 000. */
export function fingerprintDigits(digest: Uint8Array): string {
  let digits = ''
  for (let at = 0; at < 30; at += 5) {
    let value = 0
    for (const byte of digest.subarray(at, at + 5)) value = value * 256 + byte
    digits += String(value % 100_000).padStart(5, '0')
  }
  return digits
}

function accountFingerprint(provider: CryptoProvider, account: Bytes32): Uint8Array {
  return fingerprint(provider, concat(Uint8Array.of(0x05), account), account)
}

/** The safety number of one's own account and another. */
export function safetyNumber(
  provider: CryptoProvider,
  mine: Bytes32,
  theirs: Bytes32,
): SafetyNumber {
  const own = accountFingerprint(provider, mine)
  const other = accountFingerprint(provider, theirs)
  const halves = [fingerprintDigits(own), fingerprintDigits(other)].toSorted()
  return {
    digits: halves.join(''),
    qr: concat(Uint8Array.of(0x01), own.subarray(0, 32), other.subarray(0, 32)),
  }
}

/** Whether a scanned code is the other side's view of the same two accounts. */
export function safetyNumberMatches(own: SafetyNumber, scanned: Uint8Array): boolean {
  const { qr } = own
  return equalBytes(concat(qr.subarray(0, 1), qr.subarray(33), qr.subarray(1, 33)), scanned)
}
