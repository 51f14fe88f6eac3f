// Starting a conversation's encryption anew: who cannot read begins a new session whose messages say,
// until one is answered, what is had; the peer encrypts everything above it again (SPEC.md §5.6).
import { type Bytes16, type Bytes32, EMPTY, copy, equalBytes } from '../../crypto/index.ts'
import { frameOf } from '../content/kind.ts'
import { type Reset, resetFrame } from '../content/reset.ts'
import type { Frame } from '../frames.ts'
import { RESETS_AT_ONCE_MAX, RESET_INTERVAL_MS, RESET_SESSIONS_MAX } from '../limits.ts'
import { authorFrontier, firstAt } from '../log/frontier.ts'
import { directConversation } from '../log/entry.ts'
import { type Peer, peers } from '../peers/peer.ts'
import { encodeRecord, orEmpty, readRecord } from '../record.ts'
import { retireSessions } from '../session/keep-session.ts'
import { chooseSession, sessionIndex } from '../session/session-index.ts'
import { type Step, type Table, type Turn, get } from '../step.ts'
import { encryptAgain } from './carriage.ts'
import { closeEvidence } from './evidence.ts'
import { noteAsked } from './kept.ts'
import { eachItem, enqueue, hasRoom } from './outbox.ts'
import { resumeCarriage } from './stop-carriage.ts'

interface ResetRow {
  /** Resets that may be begun now: at most three, one more each hour of the guarded clock. */
  readonly tokens: number
  readonly filledAtMs: number
  /** Sessions that could not be read, told in the next reset. */
  readonly lost: readonly Bytes16[]
  /** A bundle is being fetched for a reset. */
  readonly pending: boolean
  /** The session whose messages carry the reset, until something arrives on it. */
  readonly sid: Bytes16 | undefined
  /** The session of the last reset of the peer's that was followed: each counts once. */
  readonly followed: Bytes16 | undefined
}

const resets: Table<Bytes32, ResetRow> = {
  name: 'resets',
  sealing: 'value',
  place: (device) => ({ owner: device, order: EMPTY }),
  encode: (row) =>
    encodeRecord([
      row.tokens,
      row.filledAtMs,
      row.lost,
      row.pending ? 1 : 0,
      orEmpty(row.sid),
      orEmpty(row.followed),
    ]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'reset')
    return {
      tokens: fields.uint('tokens', RESETS_AT_ONCE_MAX),
      filledAtMs: fields.uint('filledAt'),
      lost: fields
        .array('lost', 0, RESET_SESSIONS_MAX)
        .filter((value) => value instanceof Uint8Array),
      pending: fields.flag('pending'),
      sid: fields.optional('sid', 16),
      followed: fields.optional('followed', 16),
    }
  },
}

function* rowOf(turn: Turn, device: Bytes32): Step<ResetRow> {
  const row = yield* get(resets, device)
  const none = { lost: [], pending: false, sid: undefined, followed: undefined }
  if (row === undefined) {
    return { tokens: RESETS_AT_ONCE_MAX, filledAtMs: turn.safeNowMs, ...none }
  }
  const hours = Math.floor(Math.max(0, turn.safeNowMs - row.filledAtMs) / RESET_INTERVAL_MS)
  const tokens = Math.min(RESETS_AT_ONCE_MAX, row.tokens + hours)
  return { ...row, tokens, filledAtMs: row.filledAtMs + hours * RESET_INTERVAL_MS }
}

/** Whether a session exists on which nothing was received yet. */
function* isUnconfirmed(device: Bytes32, sid: Bytes16 | undefined): Step<boolean> {
  if (sid === undefined) return false
  const refs = (yield* get(sessionIndex, device))?.sessions ?? []
  return refs.find((ref) => equalBytes(ref.sid, sid))?.confirmed === false
}

/**
 * Asks for a new session with a device, at most three at once and then one an hour. While one is
 * under way, what else cannot be read is only added to what it will say.
 */
export function* requestReset(turn: Turn, device: Bytes32, lost: Bytes16): Step<void> {
  const before = yield* rowOf(turn, device)
  const known = before.lost.some((sid) => equalBytes(sid, lost))
  const sids = known ? before.lost : [...before.lost, copy(lost)].slice(-RESET_SESSIONS_MAX)
  const row = { ...before, lost: sids }
  turn.put(resets, device, row)
  if (!row.pending) {
    if (yield* isUnconfirmed(device, row.sid)) {
      yield* noteAsked(turn, device)
      return
    }
    if (row.tokens === 0) return
    turn.put(resets, device, { ...row, tokens: row.tokens - 1, pending: true })
  }
  turn.effect({ kind: 'reset', device })
}

/**
 * A new session with a device was begun; where a reset was waiting for one, this session carries it.
 * Called in the batch that begins the session, and again by whoever fetched the bundle: harmless.
 */
export function* sendReset(turn: Turn, device: Bytes32): Step<void> {
  const row = yield* get(resets, device)
  if (row === undefined || !row.pending) return
  const chosen = chooseSession((yield* get(sessionIndex, device))?.sessions ?? [])
  if (chosen === undefined) return
  turn.put(resets, device, { ...row, pending: false, sid: chosen.sid })
  yield* noteAsked(turn, device)
  yield* enqueue(turn, device, { kind: 'notice', frames: EMPTY, untilHeard: true })
}

/** The reset that each message of this session carries; none where it has nothing to say. */
export function* resetFor(turn: Turn, peer: Peer, sid: Bytes16): Step<readonly Frame[]> {
  const row = yield* get(resets, peer.device)
  if (row?.sid === undefined || !equalBytes(row.sid, sid)) return []
  if (!(yield* isUnconfirmed(peer.device, sid))) return []
  const conversation = directConversation(turn.crypto, turn.self.account, peer.account)
  const held = yield* authorFrontier(turn, conversation, peer.device)
  const reset: Reset = {
    positions: [{ conversation: undefined, author: undefined, n: held?.n ?? 0 }],
    lost: row.lost,
  }
  return [frameOf(resetFrame, reset)]
}

/** Something arrived on a session for the first time: a reset that it carried was read. */
export function* resetAnswered(turn: Turn, device: Bytes32, sid: Bytes16): Step<void> {
  const row = yield* get(resets, device)
  if (row?.sid === undefined || !equalBytes(row.sid, sid)) return
  turn.put(resets, device, { ...row, sid: undefined, lost: [] })
}

/**
 * A peer could not read us: whatever it does not hold is encrypted again, the same entries under
 * the same ids; so are all control frames that no receipt covers. Every message of its new session
 * says so: the first counts.
 */
export function* applyReset(turn: Turn, device: Bytes32, sid: Bytes16, reset: Reset): Step<void> {
  const row = yield* rowOf(turn, device)
  if (row.followed !== undefined && equalBytes(row.followed, sid)) return
  turn.put(resets, device, { ...row, followed: copy(sid) })
  const peer = yield* get(peers, device)
  if (peer === undefined) return
  const lost = reset.lost.filter((one) => !equalBytes(one, sid))
  yield* retireSessions(turn, device, lost)
  const conversation = directConversation(turn.crypto, turn.self.account, peer.account)
  for (const position of reset.positions) {
    const mine = position.author === undefined || equalBytes(position.author, turn.self.device)
    // A session speaks for its own conversation: it can call for no other's entries.
    const here =
      position.conversation === undefined || equalBytes(position.conversation, conversation)
    if (mine && here) yield* oweAbove(turn, device, conversation, position.n)
  }
  yield* encryptAgain(turn, device, ({ message }) => !equalBytes(message.sid, sid))
  yield* resumeCarriage(turn, device)
  turn.effect({ kind: 'outbox', device })
}

/** Own entries above n are owed again, delivered before or not: the device says it lacks them. */
function* oweAbove(turn: Turn, device: Bytes32, conversation: Bytes32, n: number): Step<void> {
  const mine = yield* authorFrontier(turn, conversation, turn.self.device)
  const waiting = new Set<number>()
  yield* eachItem(device, function* ({ content }) {
    if (content.kind !== 'entry' || !equalBytes(content.conversation, conversation)) return
    waiting.add(content.n)
  })
  for (let next = n + 1; next <= (mine?.headN ?? 0); next++) {
    if (waiting.has(next)) continue
    const ref = yield* firstAt(conversation, turn.self.device, next)
    if (ref === undefined) continue
    if (!(yield* hasRoom(device))) return
    const { id } = ref
    yield* enqueue(turn, device, { kind: 'entry', conversation, entry: id, n: next })
    yield* closeEvidence(turn, id, device, '')
  }
}
