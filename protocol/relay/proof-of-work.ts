// Proof of work for strangers and new mailboxes (SPEC.md §12.4): leading zero bits of
// H(L("pow") ‖ serviceKey ‖ mailboxId ‖ subject32 ‖ u32 hour ‖ nonce8).
import {
  type Bytes8,
  type Bytes16,
  type Bytes32,
  type CryptoProvider,
  CryptoError,
  label,
  u32,
} from '../../crypto/index.ts'
import { POW_MAX_BITS } from './limits.ts'

export interface Puzzle {
  readonly serviceKey: Bytes32
  readonly mailboxId: Bytes16
  /** envId of a deposit, owner key of an OPEN, the subject of a TAKE. */
  readonly subject: Bytes32
  /** Relay time / 3600 s. */
  readonly hour: number
}

function leadingZeroBits(hash: Uint8Array): number {
  let bits = 0
  for (const byte of hash) {
    if (byte !== 0) return bits + Math.clz32(byte) - 24
    bits += 8
  }
  return bits
}

/** Whether the nonce solves the puzzle with at least `bits` leading zero bits. */
export function verifyWork(
  provider: CryptoProvider,
  puzzle: Puzzle,
  nonce: Bytes8,
  bits: number,
): boolean {
  const { serviceKey, mailboxId, subject, hour } = puzzle
  const hash = provider.sha256(label('pow'), serviceKey, mailboxId, subject, u32(hour), nonce)
  return leadingZeroBits(hash) >= bits
}

/**
 * Looks for a nonce, yielding after every `budget` attempts so that the caller can let others run,
 * or stop. Expect 2^bits attempts. Throws ERR_CRYPTO_PARAMETER above POW_MAX_BITS: a relay that
 * asks for more is not to be obeyed.
 */
export function* solveWork(
  provider: CryptoProvider,
  puzzle: Puzzle,
  bits: number,
  budget: number,
): Generator<undefined, Bytes8, undefined> {
  if (bits > POW_MAX_BITS) {
    throw new CryptoError('ERR_CRYPTO_PARAMETER', `proof of work of ${bits} bits is refused`)
  }
  const nonce = new Uint8Array(8)
  const counter = new DataView(nonce.buffer)
  for (let attempt = 0; ; attempt++) {
    counter.setUint32(0, Math.floor(attempt / 2 ** 32))
    counter.setUint32(4, attempt % 2 ** 32)
    if (verifyWork(provider, puzzle, nonce, bits)) return nonce
    if ((attempt + 1) % budget === 0) yield undefined
  }
}
