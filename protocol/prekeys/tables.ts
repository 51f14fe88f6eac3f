// What is kept of one's own prekeys: the secrets, under the rotating state key, the current ids, the
// slots (one per relay they were issued to), and which ids were used (SPEC.md §4).
import {
  EMPTY,
  type Bytes16,
  type Bytes32,
  type CborValue,
  FieldReader,
  concat,
  decodeCbor,
  encodeCbor,
  malformed,
  u64,
  u8,
} from '../../crypto/index.ts'
import { PREKEY_RECORD_MAX_BYTES } from '../limits.ts'
import type { Table } from '../step.ts'
import type { IdRange } from './id-ranges.ts'

/** spk, kem: offered by cards; seal: opens envelopes; opk, okem: one-time. Never renumbered. */
export const SECRET_KINDS = { spk: 0, opk: 1, okem: 2, kem: 3, seal: 4 } as const
export type SecretKind = keyof typeof SECRET_KINDS

export interface SecretKey {
  readonly kind: SecretKind
  readonly id: number
}

export interface PrekeySecret {
  /** X25519 secret (32 bytes) or ML-KEM seed d ‖ z (64). */
  readonly secret: Uint8Array
  /** Guarded clock, Unix ms: since when nobody should start with it; 0 while it is the current one. */
  readonly endsAtMs: number
}

function reader(bytes: Uint8Array, what: string): FieldReader {
  return new FieldReader(decodeCbor(bytes, PREKEY_RECORD_MAX_BYTES), what)
}

export const prekeySecrets: Table<SecretKey, PrekeySecret> = {
  name: 'prekey-secrets',
  sealing: 'state',
  place: ({ kind, id }) => ({ owner: u8(SECRET_KINDS[kind]), order: u64(id) }),
  encode: ({ secret, endsAtMs }) => encodeCbor([secret, endsAtMs]),
  decode(bytes) {
    const fields = reader(bytes, 'prekey secret')
    const value = { secret: fields.bytes('secret', 32, 64), endsAtMs: fields.uint('endsAtMs') }
    fields.end()
    return value
  },
}

/** The keys on offer in cards: their ids, and when they were made. */
export interface CurrentPrekeys {
  readonly spkId: number
  readonly kemId: number
  /** 1 to 255, cyclic. */
  readonly sealId: number
  /** Guarded clock, Unix ms. */
  readonly renewedAtMs: number
}

/** One record, whatever the key. */
export const currentPrekeys: Table<'current', CurrentPrekeys> = {
  name: 'prekey-current',
  sealing: 'value',
  place: () => ({ owner: EMPTY, order: EMPTY }),
  encode: ({ spkId, kemId, sealId, renewedAtMs }) =>
    encodeCbor([spkId, kemId, sealId, renewedAtMs]),
  decode(bytes) {
    const fields = reader(bytes, 'current prekeys')
    const value = {
      spkId: fields.uint('spkId'),
      kemId: fields.uint('kemId'),
      sealId: fields.uint('sealId', 255),
      renewedAtMs: fields.uint('renewedAtMs'),
    }
    fields.end()
    return value
  },
}

/** A relay, or the home host, that one-time prekeys were issued to. */
export interface PrekeySlot {
  readonly serviceKey: Bytes32
  readonly mailboxId: Bytes16
  /** Counters of the next one-time prekeys. */
  readonly nextOpk: number
  readonly nextOkem: number
  /** Guarded clock, Unix ms: when its mailbox left the list; 0 while in use. */
  readonly endedAtMs: number
}

/** By slot number, 1 to 255. */
export const prekeySlots: Table<number, PrekeySlot> = {
  name: 'prekey-slots',
  sealing: 'value',
  place: (slot) => ({ owner: EMPTY, order: u64(slot) }),
  encode: ({ serviceKey, mailboxId, nextOpk, nextOkem, endedAtMs }) =>
    encodeCbor([serviceKey, mailboxId, nextOpk, nextOkem, endedAtMs]),
  decode(bytes) {
    const fields = reader(bytes, 'prekey slot')
    const value = {
      serviceKey: fields.bytes('serviceKey', 32),
      mailboxId: fields.bytes('mailboxId', 16),
      nextOpk: fields.uint('nextOpk'),
      nextOkem: fields.uint('nextOkem'),
      endedAtMs: fields.uint('endedAtMs'),
    }
    fields.end()
    return value
  },
}

export interface SlotKind {
  readonly slot: number
  readonly kind: 'opk' | 'okem'
}

/** Tombstones: the ids of a slot that were used. */
export const usedPrekeys: Table<SlotKind, readonly IdRange[]> = {
  name: 'prekey-used',
  sealing: 'value',
  place: ({ slot, kind }) => ({
    owner: EMPTY,
    order: concat(u64(slot), u8(SECRET_KINDS[kind])),
  }),
  encode: (ranges) => encodeCbor(ranges),
  decode(bytes) {
    const ranges = decodeCbor(bytes, PREKEY_RECORD_MAX_BYTES)
    if (!Array.isArray(ranges)) malformed('used prekeys: not an array')
    return ranges.map((range: CborValue) => {
      const fields = new FieldReader(range, 'used prekeys')
      const pair: IdRange = [fields.uint('from'), fields.uint('to')]
      fields.end()
      return pair
    })
  },
}
