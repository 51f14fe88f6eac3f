// The checks of SPEC.md §1 that stand before any Ed25519 verification, in either backend.
// noble's cofactored rule and OpenSSL's cofactorless one differ on torsion, and both accept more
// keys than RFC 8032 §5.1.7 asks for; one rule for all keeps members of a group on one history.
import { ed25519 } from '@noble/curves/ed25519.js'
import { equalBytes, toHex } from './bytes.ts'

const L_BYTES = Uint8Array.from([
  0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
])

/** Whether a signature is 64 bytes with S < L (RFC 8032 §5.1.7 step 1). */
export function signatureScalarIsReduced(signature: Uint8Array): boolean {
  if (signature.length !== 64) return false
  for (let i = 31; i >= 0; i--) {
    const s = signature[32 + i] ?? 0
    const l = L_BYTES[i] ?? 0
    if (s !== l) return s < l
  }
  return false
}

const { Point } = ed25519

function decide(publicKey: Uint8Array): boolean {
  try {
    const point = Point.fromBytes(publicKey, false)
    return !point.isSmallOrder() && equalBytes(point.toBytes(), publicKey)
  } catch {
    // noble's way of saying "not a canonical point": a verdict about bytes from outside.
    return false
  }
}

// Decompression costs more than a native verification, and a node meets the same few keys all day.
const CACHE_SIZE = 4096
const verdicts = new Map<string, boolean>()

/** Whether a key is canonical (y < p, no "negative zero") and not of small order. */
export function ed25519KeyIsStrict(publicKey: Uint8Array): boolean {
  if (publicKey.length !== 32) return false
  const key = toHex(publicKey)
  const known = verdicts.get(key)
  if (known !== undefined) return known
  const verdict = decide(publicKey)
  if (verdicts.size >= CACHE_SIZE) verdicts.clear()
  verdicts.set(key, verdict)
  return verdict
}
