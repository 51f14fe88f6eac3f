// Operations messages (SPEC.md §20.5), sealed under a lineage's key so that every member and nobody
// else reads the group's operations; and control objects, which a device signs inside its messages.
import { type Bytes8, type Bytes32, type Random, concat, u16 } from './bytes.ts'
import { FieldReader, decodeCbor } from './cbor.ts'
import { type CborValue, encodeCbor } from './cbor-encoder.ts'
import { CryptoError, malformed } from './errors.ts'
import { sign, verify } from './kdf.ts'
import { label } from './labels.ts'
import { LADDER, OPERATIONS_MAX, OPERATIONS_OVERHEAD_BYTES, GROUP_OP_MAX_BYTES } from './limits.ts'
import { padTo, unpadContent } from './padding.ts'
import type { CryptoProvider } from './provider.ts'
import type { SignedObject } from './signed-object.ts'

/** First byte of an operations message. */
export const GROUP_OPERATIONS_TYPE = 0x22

const TYPE_BYTE: Uint8Array = Uint8Array.of(GROUP_OPERATIONS_TYPE)
const TAG_END = 9
const NONCE_END = 21

export interface OperationsKeys {
  /** ctl of the lineage. */
  readonly controlKey: Bytes32
  readonly lineageTag: Bytes8
}

/**
 * 0x22 ‖ lineageTag(8) ‖ n(12) ‖ AEAD, 37 bytes over the padded array; the whole a size of the
 * ladder. `operations` are encoded GroupOps, each at most 57 344 bytes. Throws ERR_PROTOCOL_LIMIT
 * where they do not fit.
 */
export function sealOperations(
  provider: CryptoProvider,
  keys: OperationsKeys,
  operations: readonly Uint8Array[],
  random: Random,
): Uint8Array<ArrayBuffer> {
  const content = encodeCbor(operations.map((bytes): CborValue => bytes))
  const least = content.length + 1 + OPERATIONS_OVERHEAD_BYTES
  const size = LADDER.find((step) => step >= least)
  if (size === undefined) {
    throw new CryptoError('ERR_PROTOCOL_LIMIT', `operations: ${content.length} bytes`)
  }
  const plain = padTo(content, size - OPERATIONS_OVERHEAD_BYTES)
  const digest = provider.sha256(plain)
  const { controlKey, lineageTag } = keys
  const nonce = provider.hmac(controlKey, label('hn'), random(32), digest).slice(0, 12)
  const aad = concat(TYPE_BYTE, lineageTag)
  return concat(aad, nonce, provider.aeadSeal(controlKey, nonce, aad, plain))
}

/** The lineage an operations message names. Throws ERR_WIRE_MALFORMED for another type or size. */
export function operationsTag(message: Uint8Array): Bytes8 {
  if (message[0] !== GROUP_OPERATIONS_TYPE) malformed('operations message: first byte')
  if (!LADDER.includes(message.length)) malformed(`operations message: ${message.length} bytes`)
  return message.subarray(1, TAG_END)
}

/**
 * The encoded GroupOps of a message, not yet checked; undefined where the key does not open it.
 * Throws ERR_WIRE_MALFORMED.
 */
export function openOperations(
  provider: CryptoProvider,
  controlKey: Bytes32,
  message: Uint8Array,
): readonly Uint8Array[] | undefined {
  operationsTag(message)
  const nonce = message.subarray(TAG_END, NONCE_END)
  const aad = message.subarray(0, TAG_END)
  const plain = provider.aeadOpen(controlKey, nonce, aad, message.subarray(NONCE_END))
  if (plain === undefined) return undefined
  const value = decodeCbor(unpadContent(plain), LADDER.at(-1) ?? 0)
  const items = new FieldReader([value], 'operations').array('operations', 1, OPERATIONS_MAX)
  const fields = new FieldReader(items, 'operations')
  return items.map(() => fields.bytes('operation', 1, GROUP_OP_MAX_BYTES))
}

/** What a control object is signed for: its group and its frame kind, so that it is no other's. */
export interface ControlContext {
  readonly group: Bytes32
  /** 0x1083 to 0x1086. */
  readonly kind: number
}

/** Sign(DK, group-control, gid ‖ u16 kind ‖ body), wrapped as [body, sig]. */
export function signControl(
  provider: CryptoProvider,
  seed: Bytes32,
  { group, kind }: ControlContext,
  body: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const message = concat(group, u16(kind), body)
  return encodeCbor([body, sign(provider, seed, 'group-control', message)])
}

/** Whether a control object is of this device, in this group, as this kind. */
export function controlHolds(
  provider: CryptoProvider,
  device: Bytes32,
  { group, kind }: ControlContext,
  object: SignedObject,
): boolean {
  const message = concat(group, u16(kind), object.body)
  return verify(provider, device, 'group-control', message, object.signature)
}
