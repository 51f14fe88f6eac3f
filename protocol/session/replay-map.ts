// Which handshakes were accepted: every message of an unconfirmed session repeats its init, and a
// replayed init must not begin a second session (SPEC.md §5 step 1). Kept as long as the secret of
// the signed prekey the init names.
import {
  type Bytes16,
  type Bytes32,
  EMPTY,
  expectLength,
  readU32,
  u32,
} from '../../crypto/index.ts'
import { REPLAY_SCAN_MAX } from '../limits.ts'
import type { PrekeySource } from './prekey-source.ts'
import { type Step, type Table, type Turn, range } from '../step.ts'

export interface ReplayKey {
  /** Bound into the identity box, so a replay cannot change it. */
  readonly spkId: number
  /** h. */
  readonly handshakeId: Bytes32
}

export interface ReplayRecord {
  readonly sid: Bytes16
  readonly handshakeId: Bytes32
}

/** sid16 ‖ h32. */
export const replayMap: Table<ReplayKey, ReplayRecord> = {
  name: 'replay-map',
  sealing: 'value',
  place: ({ spkId, handshakeId }) => ({ owner: u32(spkId), order: handshakeId }),
  encode: ({ sid, handshakeId }) => {
    const out = new Uint8Array(48)
    out.set(sid)
    out.set(handshakeId, 16)
    return out
  },
  decode: (bytes) => {
    expectLength(bytes, 48, 'replay record')
    return { sid: bytes.slice(0, 16), handshakeId: bytes.slice(16) }
  },
}

/** The signed prekeys that have handshakes in the map. */
export const replayPrekeys: Table<number, number> = {
  name: 'replay-prekeys',
  sealing: 'value',
  place: (spkId) => ({ owner: EMPTY, order: u32(spkId) }),
  encode: (spkId) => u32(spkId),
  decode: (bytes) => {
    expectLength(bytes, 4, 'replay prekey')
    return readU32(bytes, 0)
  },
}

/** Remembers an accepted handshake. */
export function rememberHandshake(turn: Turn, key: ReplayKey, sid: Bytes16): void {
  turn.put(replayMap, key, { sid, handshakeId: key.handshakeId })
  turn.put(replayPrekeys, key.spkId, key.spkId)
}

/**
 * Forgets the handshakes of signed prekeys whose secret is gone: their inits cannot be opened any
 * more. To be run after the prekeys were swept; true where some are left for another turn.
 */
export function* sweepReplays(turn: Turn, prekeys: PrekeySource): Step<boolean> {
  const rows = yield* range(replayPrekeys, { owner: EMPTY, limit: REPLAY_SCAN_MAX })
  for (const { value: spkId } of rows) {
    if ((yield* prekeys.spk(spkId)) !== undefined) continue
    if (yield* forgetReplays(turn, spkId)) return true
    turn.remove(replayPrekeys, spkId)
  }
  return false
}

/** Forgets the handshakes of a signed prekey whose secret is deleted; true where some are left. */
function* forgetReplays(turn: Turn, spkId: number): Step<boolean> {
  const rows = yield* range(replayMap, { owner: u32(spkId), limit: REPLAY_SCAN_MAX })
  for (const { value } of rows) {
    turn.remove(replayMap, { spkId, handshakeId: value.handshakeId })
  }
  return rows.length === REPLAY_SCAN_MAX
}
