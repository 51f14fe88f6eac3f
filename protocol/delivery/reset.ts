// Starting a conversation's encryption anew: who cannot read begins a new session whose first
// messages say what is had; the peer encrypts everything above it again (SPEC.md §5).
import {
  type Bytes16,
  type Bytes32,
  EMPTY,
  copy,
  equalBytes,
  u64,
  concat,
} from '../../crypto/index.ts'
import { frameOf } from '../content/kind.ts'
import { type Reset, resetFrame } from '../content/reset.ts'
import { encodeFrames } from '../frames.ts'
import { RESETS_AT_ONCE_MAX, RESET_INTERVAL_MS, RESET_SESSIONS_MAX } from '../limits.ts'
import { authorFrontier } from '../log/frontier.ts'
import { directConversation } from '../log/entry.ts'
import { peers } from '../peers/peer.ts'
import { encodeRecord, readRecord } from '../record.ts'
import { retireSessions } from '../session/keep-session.ts'
import { type Step, type Table, type Turn, get, range } from '../step.ts'
import { encryptAgain } from './carriage.ts'
import { evidence } from './evidence.ts'
import { enqueue, outbox, outboxItems, undelivered } from './outbox.ts'

interface ResetRow {
  /** Start of the current hour's window, guarded clock. */
  readonly windowMs: number
  readonly count: number
  readonly lost: readonly Bytes16[]
}

const resets: Table<Bytes32, ResetRow> = {
  name: 'resets',
  sealing: 'value',
  place: (device) => ({ owner: device, order: EMPTY }),
  encode: (row) => encodeRecord([row.windowMs, row.count, row.lost]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'reset')
    return {
      windowMs: fields.uint('window'),
      count: fields.uint('count'),
      lost: fields
        .array('lost', 0, RESET_SESSIONS_MAX)
        .filter((value) => value instanceof Uint8Array),
    }
  },
}

/** Asks for a new session with a device, at most three at once and then one an hour. */
export function* requestReset(turn: Turn, device: Bytes32, lost: Bytes16): Step<void> {
  const before = (yield* get(resets, device)) ?? { windowMs: 0, count: 0, lost: [] }
  const fresh = turn.safeNowMs - before.windowMs > RESET_INTERVAL_MS
  const count = fresh ? 0 : before.count
  if (count >= RESETS_AT_ONCE_MAX) return
  const known = before.lost.some((sid) => equalBytes(sid, lost))
  const sids = known ? before.lost : [...before.lost, copy(lost)].slice(-RESET_SESSIONS_MAX)
  turn.put(resets, device, {
    windowMs: fresh ? turn.safeNowMs : before.windowMs,
    count: count + 1,
    lost: sids,
  })
  turn.effect({ kind: 'reset', device })
}

/** Queues the reset itself, once a new session with the device was begun. */
export function* sendReset(turn: Turn, device: Bytes32): Step<void> {
  const peer = yield* get(peers, device)
  const row = yield* get(resets, device)
  if (peer === undefined || row === undefined) return
  const conversation = directConversation(turn.crypto, turn.self.account, peer.account)
  const held = yield* authorFrontier(turn, conversation, device)
  const reset: Reset = {
    positions: [{ conversation: undefined, author: undefined, n: held?.n ?? 0 }],
    lost: row.lost,
  }
  turn.put(resets, device, { ...row, lost: [] })
  const frames = encodeFrames([frameOf(resetFrame, reset)])
  yield* enqueue(turn, device, { kind: 'notice', frames, untilHeard: false })
}

/** Items of a device's outbox looked at in one turn. */
const PAGE = 1_000

/**
 * A peer could not read us: whatever it does not hold is encrypted again, the same entries under
 * the same ids; so are all control frames that no receipt covers.
 */
export function* applyReset(
  turn: Turn,
  device: Bytes32,
  conversation: Bytes32,
  reset: Reset,
): Step<void> {
  yield* retireSessions(turn, device, reset.lost)
  for (const position of reset.positions) {
    const mine = position.author === undefined || equalBytes(position.author, turn.self.device)
    if (!mine) continue
    yield* offerAbove(turn, device, position.conversation ?? conversation, position.n)
  }
  const [first] = yield* outboxItems(device, 0, 1)
  if (first !== undefined) yield* encryptAgain(turn, device, first.sequence)
  turn.effect({ kind: 'outbox', device })
}

/** Puts entries above n back into the outbox where they left it without being delivered. */
function* offerAbove(turn: Turn, device: Bytes32, conversation: Bytes32, n: number): Step<void> {
  const rows = yield* range(undelivered, {
    owner: concat(device, conversation),
    from: u64(n + 1),
    limit: PAGE,
  })
  for (const { value } of rows) {
    const item = yield* get(outbox, { device, sequence: value.sequence })
    if (item !== undefined) continue
    const entry = yield* entryNumber(value.entry)
    if (entry !== undefined) {
      yield* enqueue(turn, device, { kind: 'entry', conversation, entry: value.entry, n: entry })
    }
  }
}

function* entryNumber(entry: Bytes32): Step<number | undefined> {
  return (yield* get(evidence, entry))?.n
}
