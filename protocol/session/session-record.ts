// One session with one device: the ratchet, and what session choice needs (SPEC.md §5).
import {
  type Bytes16,
  type Bytes32,
  EMPTY,
  FieldReader,
  type RatchetState,
  decodeCbor,
  decodeRatchetState,
  encodeCbor,
  encodeRatchetState,
} from '../../crypto/index.ts'
import { SESSION_RECORD_MAX_BYTES } from '../limits.ts'
import type { Table } from '../step.ts'

export interface SessionRecord {
  /** The remote account and device. */
  readonly account: Bytes32
  readonly device: Bytes32
  readonly ratchet: RatchetState
  readonly resetEpoch: number
  /** h: names the handshake. */
  readonly handshakeId: Bytes32
  /** T: what an intro's proof is made over. */
  readonly transcript: Bytes32
  /** What precedes every message until one was received; empty then, and at the responder. */
  readonly init: Uint8Array
  /** Wall clock at the handshake, Unix ms, on the guarded clock. */
  readonly createdAtMs: number
  /** Last message either way, guarded clock: the least recently used session goes first. */
  readonly usedAtMs: number
  /** Entries sent before anything was received. */
  readonly unconfirmedEntries: number
  readonly sent: number
  readonly received: number
}

function encodeRecord(record: SessionRecord): Uint8Array<ArrayBuffer> {
  return encodeCbor([
    1,
    record.account,
    record.device,
    encodeRatchetState(record.ratchet),
    record.resetEpoch,
    record.handshakeId,
    record.transcript,
    record.init,
    record.createdAtMs,
    record.usedAtMs,
    record.unconfirmedEntries,
    record.sent,
    record.received,
  ])
}

function decodeRecord(bytes: Uint8Array): SessionRecord {
  const fields = new FieldReader(decodeCbor(bytes, SESSION_RECORD_MAX_BYTES), 'session')
  fields.uint('format', 1)
  const record = {
    account: fields.bytes('account', 32),
    device: fields.bytes('device', 32),
    ratchet: decodeRatchetState(fields.bytes('ratchet', 1, SESSION_RECORD_MAX_BYTES)),
    resetEpoch: fields.uint('resetEpoch', 0xffffffff),
    handshakeId: fields.bytes('h', 32),
    transcript: fields.bytes('T', 32),
    init: fields.bytes('init', 0, SESSION_RECORD_MAX_BYTES),
    createdAtMs: fields.uint('createdAt'),
    usedAtMs: fields.uint('usedAt'),
    unconfirmedEntries: fields.uint('unconfirmedEntries'),
    sent: fields.uint('sent'),
    received: fields.uint('received'),
  }
  fields.end()
  return record
}

/** By sid. */
export const sessions: Table<Bytes16, SessionRecord> = {
  name: 'sessions',
  sealing: 'state',
  place: (sid) => ({ owner: sid, order: EMPTY }),
  encode: encodeRecord,
  decode: decodeRecord,
}
