// Which handshakes were accepted: every message of an unconfirmed session repeats its init, and a
// replayed init must not begin a second session (SPEC.md §5 step 1). Kept as long as the secret of
// the signed prekey the init names.
import { type Bytes16, type Bytes32, expectLength, u32 } from '../../crypto/index.ts'
import { REPLAY_SCAN_MAX } from '../limits.ts'
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

/** Forgets the handshakes of a signed prekey whose secret is deleted; true where some are left. */
export function* forgetReplays(turn: Turn, spkId: number): Step<boolean> {
  const rows = yield* range(replayMap, { owner: u32(spkId), limit: REPLAY_SCAN_MAX })
  for (const { value } of rows) {
    turn.remove(replayMap, { spkId, handshakeId: value.handshakeId })
  }
  return rows.length === REPLAY_SCAN_MAX
}
