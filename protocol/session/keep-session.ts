// Writing a new session, and making room for it: one to send on and five to receive on per device
// pair, the least recently used of the others goes first (SPEC.md §5).
import type { Bytes16, Bytes32 } from '../../crypto/index.ts'
import { compareBytes, equalBytes } from '../../crypto/index.ts'
import { SESSIONS_BESIDE_MAX } from '../limits.ts'
import { type Step, type Turn, get } from '../step.ts'
import {
  type SessionIndex,
  type SessionRef,
  addSession,
  chooseSession,
  sessionIndex,
} from './session-index.ts'
import { type SessionRecord, sessions } from './session-record.ts'
import { removeSkipped } from './skipped-seeds.ts'

/** Removes one session and what lies beside it; its index entry is the caller's. */
function* removeSession(turn: Turn, sid: Bytes16): Step<void> {
  turn.remove(sessions, sid)
  yield* removeSkipped(turn, sid)
}

/** Least recently used of the sessions that are not sent on; the newest one never goes. */
function* leastRecentlyUsed(index: SessionIndex, newest: Bytes16): Step<Bytes16 | undefined> {
  const sending = chooseSession(index.sessions)
  let found: { readonly sid: Bytes16; readonly usedAtMs: number } | undefined
  for (const { sid } of index.sessions) {
    if (equalBytes(sid, newest) || (sending && equalBytes(sid, sending.sid))) continue
    const usedAtMs = (yield* get(sessions, sid))?.usedAtMs ?? 0
    if (found === undefined || usedAtMs < found.usedAtMs) found = { sid, usedAtMs }
  }
  return found?.sid
}

/** Stores a new session under its device and evicts what is one too many. */
export function* keepSession(turn: Turn, record: SessionRecord): Step<void> {
  const { ratchet, device, resetEpoch, handshakeId } = record
  const { sid, confirmed } = ratchet
  const before = yield* get(sessionIndex, device)
  let index = addSession(before, { sid, resetEpoch, handshakeId, confirmed })
  turn.put(sessions, sid, record)
  if (index.sessions.length > 1 + SESSIONS_BESIDE_MAX) {
    const evicted = yield* leastRecentlyUsed(index, sid)
    if (evicted !== undefined) {
      yield* removeSession(turn, evicted)
      const rest = index.sessions.filter((ref) => compareBytes(ref.sid, evicted) !== 0)
      index = { ...index, sessions: rest }
    }
  }
  turn.put(sessionIndex, device, index)
}

/**
 * Gives up sessions of a device: those it says it lost, or answered `unknownSession` to. They are
 * not sent on any more; what still arrives on them is unknown. Their resetEpoch stays known.
 */
export function* retireSessions(turn: Turn, device: Bytes32, lost: readonly Bytes16[]): Step<void> {
  const index = yield* get(sessionIndex, device)
  if (index === undefined) return
  const isLost = ({ sid }: SessionRef): boolean => lost.some((other) => equalBytes(sid, other))
  for (const { sid } of index.sessions.filter(isLost)) yield* removeSession(turn, sid)
  const left = index.sessions.filter((ref) => !isLost(ref))
  turn.put(sessionIndex, device, { ...index, sessions: left })
}

/** Ends every session with a device that was removed. */
export function* endSessions(turn: Turn, device: Bytes32): Step<void> {
  const index = yield* get(sessionIndex, device)
  yield* retireSessions(turn, device, index?.sessions.map(({ sid }) => sid) ?? [])
}
