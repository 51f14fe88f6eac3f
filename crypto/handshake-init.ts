// The init that precedes the messages of a session until one was received on it (SPEC.md §5):
// 0x10 ‖ suite u16 ‖ resetEpoch u32 ‖ EK32 ‖ spkId u32 ‖ opkId u32 ‖ kemId u32 ‖ ct1088 ‖ LP(idbox).
import { type Bytes, type Bytes32, readU16, readU32 } from './bytes.ts'
import { CryptoError, malformed } from './errors.ts'
import { label } from './labels.ts'
import { LIST_MAX_BYTES } from './limits.ts'
import type { CryptoProvider } from './provider.ts'

/** First byte of an init. */
export const INIT_TYPE = 0x10
/** X25519 + ML-KEM-768 + ChaCha20-Poly1305 + SHA-256. */
export const SUITE = 0x0001
/** Bytes of an init before LP(idbox): the associated data of the identity box. */
export const INIT_HEAD_BYTES = 1_139

const CIPHERTEXT_BYTES = 1_088
/** Bytes in the identity box besides the list: LP 2, DK 32, version 8, tag 16. */
const IDBOX_OVERHEAD_BYTES = 58

export interface Init {
  readonly resetEpoch: number
  /** EK. */
  readonly ephemeral: Bytes32
  readonly spkId: number
  /** 0: none. */
  readonly opkId: number
  readonly kemId: number
  readonly ciphertext: Bytes<1088>
  readonly idbox: Uint8Array
  /** The init itself, LP(idbox) included, as received. */
  readonly bytes: Uint8Array
}

/** h = H(L("ek") ‖ EK): 32 bytes. */
export function handshakeId(provider: CryptoProvider, ephemeral: Bytes32): Uint8Array<ArrayBuffer> {
  return provider.sha256(label('ek'), ephemeral)
}

/**
 * Splits an inner message that begins with an init: the init, and the ratchet message behind it.
 * Throws ERR_WIRE_MALFORMED, or ERR_WIRE_UNSUPPORTED for another suite.
 */
export function decodeInit(inner: Uint8Array): {
  readonly init: Init
  readonly message: Uint8Array
} {
  if (inner[0] !== INIT_TYPE) malformed('init: first byte')
  if (inner.length < INIT_HEAD_BYTES + 2) malformed('init: ends early')
  if (readU16(inner, 1) !== SUITE) {
    throw new CryptoError('ERR_WIRE_UNSUPPORTED', `suite ${readU16(inner, 1)}`)
  }
  const idboxLength = readU16(inner, INIT_HEAD_BYTES)
  const end = INIT_HEAD_BYTES + 2 + idboxLength
  if (idboxLength <= IDBOX_OVERHEAD_BYTES || idboxLength > IDBOX_OVERHEAD_BYTES + LIST_MAX_BYTES) {
    malformed('init: length of the identity box')
  }
  if (end > inner.length) malformed('init: ends early')
  const init: Init = {
    resetEpoch: readU32(inner, 3),
    ephemeral: inner.slice(7, 39),
    spkId: readU32(inner, 39),
    opkId: readU32(inner, 43),
    kemId: readU32(inner, 47),
    ciphertext: inner.slice(51, 51 + CIPHERTEXT_BYTES),
    idbox: inner.slice(INIT_HEAD_BYTES + 2, end),
    bytes: inner.slice(0, end),
  }
  return { init, message: inner.subarray(end) }
}
