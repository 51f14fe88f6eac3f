// Which sessions there are with a device, and on which of them to send (SPEC.md §5, Session choice).
import {
  type Bytes16,
  type Bytes32,
  EMPTY,
  FieldReader,
  compareBytes,
  decodeCbor,
  encodeCbor,
} from '../../crypto/index.ts'
import { SESSIONS_BESIDE_MAX, SESSION_INDEX_MAX_BYTES } from '../limits.ts'
import type { Table } from '../step.ts'

export interface SessionRef {
  readonly sid: Bytes16
  readonly resetEpoch: number
  readonly handshakeId: Bytes32
  /** Something was received on it. */
  readonly confirmed: boolean
}

export interface SessionIndex {
  readonly sessions: readonly SessionRef[]
  /** Highest resetEpoch of any handshake with the device, evicted sessions included. */
  readonly highestResetEpoch: number
  /** Something was ever received from the device. */
  readonly answered: boolean
}

function encodeIndex(index: SessionIndex): Uint8Array<ArrayBuffer> {
  const refs = index.sessions.map((ref) => [
    ref.sid,
    ref.resetEpoch,
    ref.handshakeId,
    ref.confirmed ? 1 : 0,
  ])
  return encodeCbor([1, index.highestResetEpoch, index.answered ? 1 : 0, refs])
}

function decodeIndex(bytes: Uint8Array): SessionIndex {
  const fields = new FieldReader(decodeCbor(bytes, SESSION_INDEX_MAX_BYTES), 'session index')
  fields.uint('format', 1)
  const highestResetEpoch = fields.uint('highest resetEpoch', 0xffffffff)
  const answered = fields.flag('answered')
  const refs = fields.array('sessions', 0, SESSIONS_BESIDE_MAX + 2).map((value) => {
    const ref = new FieldReader(value, 'session ref')
    const out = {
      sid: ref.bytes('sid', 16),
      resetEpoch: ref.uint('resetEpoch', 0xffffffff),
      handshakeId: ref.bytes('h', 32),
      confirmed: ref.flag('confirmed'),
    }
    ref.end()
    return out
  })
  fields.end()
  return { sessions: refs, highestResetEpoch, answered }
}

/** By the remote device key. */
export const sessionIndex: Table<Bytes32, SessionIndex> = {
  name: 'session-index',
  sealing: 'value',
  place: (device) => ({ owner: device, order: EMPTY }),
  encode: encodeIndex,
  decode: decodeIndex,
}

/** Below 0 where `a` ranks before `b`: resetEpoch, then received on, then the smaller h. */
function compareRank(a: SessionRef, b: SessionRef): number {
  if (a.resetEpoch !== b.resetEpoch) return b.resetEpoch - a.resetEpoch
  if (a.confirmed !== b.confirmed) return a.confirmed ? -1 : 1
  return compareBytes(a.handshakeId, b.handshakeId)
}

/** The session to send on; undefined where there is none. */
export function chooseSession(refs: readonly SessionRef[]): SessionRef | undefined {
  return refs.toSorted(compareRank)[0]
}

/** 0 for the first handshake with a device; one above the highest known for every later one. */
export function nextResetEpoch(index: SessionIndex | undefined): number {
  return index === undefined ? 0 : Math.min(index.highestResetEpoch + 1, 0xffffffff)
}

/** The index with one more session. */
export function addSession(index: SessionIndex | undefined, ref: SessionRef): SessionIndex {
  return {
    sessions: [...(index?.sessions ?? []), ref],
    highestResetEpoch: Math.max(index?.highestResetEpoch ?? 0, ref.resetEpoch),
    answered: (index?.answered ?? false) || ref.confirmed,
  }
}

/** The index once something was received on one of its sessions. */
export function confirmSession(index: SessionIndex, sid: Bytes16): SessionIndex {
  return {
    ...index,
    answered: true,
    sessions: index.sessions.map((ref) =>
      compareBytes(ref.sid, sid) === 0 ? { ...ref, confirmed: true } : ref,
    ),
  }
}
