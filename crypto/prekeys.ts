// One-time prekeys on offer: each is signed alone, for one relay and until a stated time, so that a
// relay that hands one out twice or too late is found (SPEC.md §4).
import { type Bytes32, equalBytes } from './bytes.ts'
import { FieldReader, decodeCbor } from './cbor.ts'
import { encodeCbor } from './cbor-encoder.ts'
import { CryptoError, malformed } from './errors.ts'
import { PREKEY_COUNTER_MAX, PREKEY_MAX_BYTES } from './limits.ts'
import type { CryptoProvider } from './provider.ts'
import { checkSignedObject, decodeSignedObject, signObject } from './signed-object.ts'
import { checkX25519PublicKey } from './strict-x25519.ts'

/** 1: OPK, a one-time X25519 key; 2: OKEM, a one-time ML-KEM-768 key. Also the kind of its item. */
export type PrekeyKind = 1 | 2

export interface Prekey {
  readonly kind: PrekeyKind
  /** slot u8 ‖ counter u24, slot 1 to 255. */
  readonly id: number
  /** The relay it was issued to. */
  readonly serviceKey: Bytes32
  /** Unix seconds after which nobody starts with it. */
  readonly notAfterS: number
  /** 32 bytes (OPK) or 1 184 (OKEM). */
  readonly publicKey: Uint8Array
}

/** What an opened prekey must agree with. */
export interface ExpectedPrekey {
  readonly kind: PrekeyKind
  /** DK of the device whose card came with it. */
  readonly device: Bytes32
  /** The relay that served it, or the home host's transport key. */
  readonly serviceKey: Bytes32
  readonly nowS: number
}

/** slot u8 ‖ counter u24 as a number; slot 0 is for SPK and KEM-LR. Throws ERR_CRYPTO_PARAMETER. */
export function prekeyId(slot: number, counter: number): number {
  const slotFits = Number.isInteger(slot) && slot >= 0 && slot <= 255
  if (!slotFits || !Number.isInteger(counter) || counter < 1 || counter > PREKEY_COUNTER_MAX) {
    throw new CryptoError('ERR_CRYPTO_PARAMETER', `no prekey id of slot ${slot}, ${counter}`)
  }
  return slot * 2 ** 24 + counter
}

/** The slot a prekey id lies in: which relay it was issued to. */
export function prekeySlot(id: number): number {
  return Math.floor(id / 2 ** 24)
}

/** Signs a prekey: 150 bytes (OPK) or 1 304 (OKEM) for today's times. */
export function signPrekey(
  provider: CryptoProvider,
  deviceSeed: Bytes32,
  prekey: Prekey,
): Uint8Array<ArrayBuffer> {
  const { kind, id, serviceKey, notAfterS, publicKey } = prekey
  const body = encodeCbor([1, kind, id, serviceKey, notAfterS, publicKey])
  return signObject(provider, deviceSeed, 'prekey', body)
}

/**
 * Reads and verifies a prekey. Throws ERR_WIRE_MALFORMED, ERR_WIRE_UNSUPPORTED, ERR_CRYPTO_KEY,
 * ERR_CRYPTO_UNAUTHENTIC (not this device's, or of another relay) or ERR_CRYPTO_EXPIRED.
 */
export function openPrekey(
  provider: CryptoProvider,
  bytes: Uint8Array,
  expected: ExpectedPrekey,
): Prekey {
  const object = decodeSignedObject(bytes, PREKEY_MAX_BYTES, 'Prekey')
  const fields = new FieldReader(decodeCbor(object.body, PREKEY_MAX_BYTES), 'PrekeyBody')
  if (fields.uint('version') !== 1) {
    throw new CryptoError('ERR_WIRE_UNSUPPORTED', 'prekey of another version')
  }
  const kind = fields.uint('kind', 2)
  const id = fields.uint('id', 0xffff_ffff)
  const serviceKey = fields.bytes('serviceKey', 32)
  const notAfterS = fields.uint('notAfter')
  const publicKey = fields.bytes('pk', expected.kind === 1 ? 32 : 1184)
  fields.end()
  if (kind !== expected.kind) malformed('PrekeyBody.kind: not what was asked for')
  if (prekeySlot(id) === 0) malformed('PrekeyBody.id: slot 0')
  checkSignedObject(provider, expected.device, 'prekey', object)
  if (!equalBytes(serviceKey, expected.serviceKey)) {
    throw new CryptoError('ERR_CRYPTO_UNAUTHENTIC', 'prekey: issued to another relay')
  }
  if (notAfterS < expected.nowS) throw new CryptoError('ERR_CRYPTO_EXPIRED', 'prekey: expired')
  if (kind === 1) checkX25519PublicKey(publicKey)
  return { kind: expected.kind, id, serviceKey, notAfterS, publicKey }
}
