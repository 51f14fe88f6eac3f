// Proof of work for strangers and new mailboxes (SPEC.md §12.4): leading zero bits of
// H(L("pow") ‖ serviceKey ‖ mailboxId ‖ subject32 ‖ u32 hour ‖ nonce8).
import {
  type Bytes8,
  type Bytes16,
  type Bytes32,
  type CryptoProvider,
  CryptoError,
  concat,
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

/** What is hashed; the nonce is its last 8 bytes. */
function preimage(puzzle: Puzzle, nonce: Bytes8): Uint8Array<ArrayBuffer> {
  const { serviceKey, mailboxId, subject, hour } = puzzle
  return concat(label('pow'), serviceKey, mailboxId, subject, u32(hour), nonce)
}

/** Whether the nonce solves the puzzle with at least `bits` leading zero bits. */
export function verifyWork(
  provider: CryptoProvider,
  puzzle: Puzzle,
  nonce: Bytes8,
  bits: number,
): boolean {
  return leadingZeroBits(provider.sha256(preimage(puzzle, nonce))) >= bits
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
  // Made once: a million attempts are a second or two of one core, most of it this loop.
  const bytes = preimage(puzzle, new Uint8Array(8))
  const nonce = bytes.subarray(bytes.length - 8)
  const counter = new DataView(bytes.buffer, nonce.byteOffset, 8)
  for (let attempt = 0; ; attempt++) {
    counter.setUint32(0, Math.floor(attempt / 2 ** 32))
    counter.setUint32(4, attempt % 2 ** 32)
    if (leadingZeroBits(provider.sha256(bytes)) >= bits) return nonce.slice()
    if ((attempt + 1) % budget === 0) yield undefined
  }
}
