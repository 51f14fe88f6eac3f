// The bytes of a ratchet message and of the header sealed in it (SPEC.md §6).
import { type Bytes12, type Bytes32, readU16, readU32 } from './bytes.ts'
import { expectLength, malformed } from './errors.ts'
import { LISTS_BYTES, RATCHET_OVERHEAD_BYTES } from './limits.ts'

/** First byte of a ratchet message. */
export const RATCHET_TYPE = 0x11
/** Bytes of a header, and of a sealed one. */
const HEADER_BYTES = 44
const SEALED_HEADER_BYTES: number = HEADER_BYTES + 16
/** Flag bits that must not be ignored by who does not know them; none is assigned. */
const CRITICAL_FLAGS = 0xff00

export interface RatchetHeader {
  /** The sender's ratchet key. */
  readonly dh: Bytes32
  /** PN: messages of the sender's chain before. */
  readonly previousCount: number
  /** N: number of this message in its chain, from 0. */
  readonly n: number
  readonly pqEpoch: number
  readonly flags: number
}

/** header44 = DHs ‖ PN u32 ‖ N u32 ‖ pqEpoch u16 ‖ flags u16. */
export function encodeRatchetHeader(header: RatchetHeader): Uint8Array<ArrayBuffer> {
  expectLength(header.dh, 32, 'ratchet key')
  const out = new Uint8Array(HEADER_BYTES)
  const view = new DataView(out.buffer)
  out.set(header.dh)
  view.setUint32(32, header.previousCount)
  view.setUint32(36, header.n)
  view.setUint16(40, header.pqEpoch)
  view.setUint16(42, header.flags)
  return out
}

/** Throws ERR_WIRE_MALFORMED. */
export function decodeRatchetHeader(bytes: Uint8Array): RatchetHeader {
  expectLength(bytes, HEADER_BYTES, 'ratchet header')
  return {
    dh: bytes.slice(0, 32),
    previousCount: readU32(bytes, 32),
    n: readU32(bytes, 36),
    pqEpoch: readU16(bytes, 40),
    flags: readU16(bytes, 42),
  }
}

/** Whether a header asks for something this build does not know. */
export function hasCriticalFlag(header: RatchetHeader): boolean {
  return (header.flags & CRITICAL_FLAGS) !== 0
}

export interface RatchetMessage {
  readonly nonce: Bytes12
  readonly sealedHeader: Uint8Array
  readonly ciphertext: Uint8Array
  /** 0x11 ‖ hn ‖ eh as received: with AD before it, the body's associated data. */
  readonly prefix: Uint8Array
}

/** 0x11 ‖ hn(12) ‖ eh(60) ‖ ct, as views. Throws ERR_WIRE_MALFORMED. */
export function decodeRatchetMessage(bytes: Uint8Array): RatchetMessage {
  if (bytes.length < RATCHET_OVERHEAD_BYTES + LISTS_BYTES + 1) malformed('ratchet message: short')
  if (bytes[0] !== RATCHET_TYPE) malformed('ratchet message: first byte')
  const prefixEnd = 13 + SEALED_HEADER_BYTES
  return {
    nonce: bytes.subarray(1, 13),
    sealedHeader: bytes.subarray(13, prefixEnd),
    ciphertext: bytes.subarray(prefixEnd),
    prefix: bytes.subarray(0, prefixEnd),
  }
}
