// What `status` and `why` say about the session with a device (SPEC.md §5, §6).
import { type Bytes16, type Bytes32, countSkipped } from '../../crypto/index.ts'
import { PQ_REFRESH_WARN_MS } from '../limits.ts'
import { type Step, type Turn, get } from '../step.ts'
import { chooseSession, sessionIndex } from './session-index.ts'
import { sessions } from './session-record.ts'

export interface SessionInfo {
  readonly sid: Bytes16
  /** Sessions kept with the device, this one included. */
  readonly sessions: number
  readonly confirmed: boolean
  readonly resetEpoch: number
  readonly createdAtMs: number
  readonly usedAtMs: number
  readonly pqEpoch: number
  /** Last post-quantum refresh, the handshake included, Unix ms. */
  readonly pqRefreshAtMs: number
  /** No refresh for more than 14 days. */
  readonly pqOverdue: boolean
  readonly sent: number
  readonly received: number
  /** Messages known to be missing, whose keys are kept. */
  readonly skipped: number
}

/** The session that sends to a device; undefined where there is none. */
export function* sessionInfo(turn: Turn, device: Bytes32): Step<SessionInfo | undefined> {
  const index = yield* get(sessionIndex, device)
  const chosen = chooseSession(index?.sessions ?? [])
  const record = chosen && (yield* get(sessions, chosen.sid))
  if (index === undefined || record === undefined) return undefined
  const { ratchet } = record
  return {
    sid: ratchet.sid,
    sessions: index.sessions.length,
    confirmed: ratchet.confirmed,
    resetEpoch: record.resetEpoch,
    createdAtMs: record.createdAtMs,
    usedAtMs: record.usedAtMs,
    pqEpoch: ratchet.pqEpoch,
    pqRefreshAtMs: ratchet.pqSinceMs,
    pqOverdue: turn.nowMs - ratchet.pqSinceMs > PQ_REFRESH_WARN_MS,
    sent: record.sent,
    received: record.received,
    skipped: countSkipped(ratchet),
  }
}
