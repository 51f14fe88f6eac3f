// What a relay hands out of a mailbox (SPEC.md §12.2):
// [seq, envId b32, lane, capId b8|"", storedAt s, expAt s, env|""].
import {
  type Bytes8,
  type Bytes32,
  type CborValue,
  EMPTY,
  FieldReader,
} from '../../crypto/index.ts'
import { ENVELOPE_MAX_BYTES } from './limits.ts'

export interface RelayItem {
  readonly seq: number
  readonly envId: Bytes32
  readonly lane: number
  /** Whose capability paid for it; undefined in lane 1. */
  readonly capId: Bytes8 | undefined
  /** Unix seconds. */
  readonly storedAtS: number
  readonly expiresS: number
  /** Empty when only ids were asked for. */
  readonly env: Uint8Array
}

export function encodeItem(item: RelayItem): CborValue {
  return [
    item.seq,
    item.envId,
    item.lane,
    item.capId ?? EMPTY,
    item.storedAtS,
    item.expiresS,
    item.env,
  ]
}

export function decodeItem(value: CborValue): RelayItem {
  const fields = new FieldReader(value, 'item')
  return {
    seq: fields.uint('seq'),
    envId: fields.bytes('envId', 32),
    lane: fields.uint('lane', 255),
    capId: fields.optional('capId', 8),
    storedAtS: fields.uint('storedAt'),
    expiresS: fields.uint('expAt'),
    env: fields.bytes('env', 0, ENVELOPE_MAX_BYTES),
  }
}
