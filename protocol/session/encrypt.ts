// Encrypting frames for one device on the session that SPEC.md §5 chooses. The result is what the
// outbox keeps and sends, again and again, until it is delivered.
import {
  type Bytes16,
  type Bytes32,
  concat,
  frameRoom,
  innerId,
  ratchetCanSend,
  ratchetEncrypt,
  ratchetIsExhausted,
} from '../../crypto/index.ts'
import {
  UNCONFIRMED_ENTRIES_MAX,
  UNCONFIRMED_LIFE_MS,
  UNCONFIRMED_MESSAGES_MAX,
} from '../limits.ts'
import { ProtocolError } from '../errors.ts'
import { deviceLists, isListed } from '../peers/device-lists.ts'
import { type Step, type Turn, get } from '../step.ts'
import { encodeListVersions } from './list-versions.ts'
import { type SessionIndex, chooseSession, nextResetEpoch, sessionIndex } from './session-index.ts'
import { type SessionRecord, sessions } from './session-record.ts'

export interface EncryptOptions {
  /** Entries among the frames: they count until the device has answered. 0 where left out. */
  readonly entries?: number
  /** Whether a post-quantum re-key may be started now; yes where left out. */
  readonly offerPq?: boolean
}

export type EncryptOutcome =
  | {
      readonly kind: 'encrypted'
      readonly sid: Bytes16
      /** [init ‖] ratchet message: what is sealed, or goes over a direct stream as it is. */
      readonly inner: Uint8Array
      readonly innerId: Bytes32
      /** Nothing was received on the session yet: the init precedes the message. */
      readonly unconfirmed: boolean
      /** When the life of the envelope begins, Unix ms. */
      readonly createdAtMs: number
    }
  /** No session to send on, or the chosen one is at its end: start one from a fresh bundle. */
  | { readonly kind: 'needBundle'; readonly resetEpoch: number }
  | { readonly kind: 'limit'; readonly reason: EncryptLimit }

/**
 * unanswered: 8 entries went to a device that never answered; tooLarge: the frames exceed one
 * message; listConflict: two lists of one version; unlisted: the device is not in its account's list.
 */
export type EncryptLimit = 'unanswered' | 'tooLarge' | 'listConflict' | 'unlisted'

/** Whether a session is at its end for sending. */
function isSpent(turn: Turn, record: SessionRecord): boolean {
  const { ratchet } = record
  if (ratchetIsExhausted(ratchet) || !ratchetCanSend(ratchet)) return true
  if (ratchet.confirmed) return false
  const dead = turn.safeNowMs - record.createdAtMs >= UNCONFIRMED_LIFE_MS
  return dead || record.sent >= UNCONFIRMED_MESSAGES_MAX
}

/** The session to send on now; undefined where a new one is needed. */
export function* sendingSession(
  turn: Turn,
  index: SessionIndex | undefined,
): Step<SessionRecord | undefined> {
  const chosen = chooseSession(index?.sessions ?? [])
  if (chosen === undefined) return undefined
  const record = yield* get(sessions, chosen.sid)
  return record === undefined || isSpent(turn, record) ? undefined : record
}

function* limitOf(
  index: SessionIndex | undefined,
  record: SessionRecord,
  frames: Uint8Array,
  entries: number,
): Step<EncryptLimit | undefined> {
  const list = yield* get(deviceLists, record.account)
  if (list?.conflict !== undefined) return 'listConflict'
  if (!isListed(list, record.device)) return 'unlisted'
  if (frames.length > frameRoom(record.init.length)) return 'tooLarge'
  const unanswered = record.unconfirmedEntries + entries
  const silent = !record.ratchet.confirmed && index?.answered !== true
  return silent && entries > 0 && unanswered > UNCONFIRMED_ENTRIES_MAX ? 'unanswered' : undefined
}

/** Encrypts frames for a device. The message leaves only once this turn's batch is durable. */
export function* encryptTo(
  turn: Turn,
  device: Bytes32,
  frames: Uint8Array,
  options: EncryptOptions = {},
): Step<EncryptOutcome> {
  const index = yield* get(sessionIndex, device)
  const record = yield* sendingSession(turn, index)
  if (record === undefined) return { kind: 'needBundle', resetEpoch: nextResetEpoch(index) }
  const entries = options.entries ?? 0
  const reason = yield* limitOf(index, record, frames, entries)
  if (reason !== undefined) return { kind: 'limit', reason }
  const { init } = record
  const { state, message } = ratchetEncrypt(turn.crypto, record.ratchet, {
    lists: yield* encodeListVersions(turn.self.account, record.account),
    frames,
    initLength: init.length,
    random: turn.random,
    nowMs: turn.nowMs,
    offerPq: options.offerPq ?? true,
  })
  const unconfirmed = !record.ratchet.confirmed
  if (unconfirmed !== init.length > 0) {
    throw new ProtocolError('ERR_PROTOCOL_STATE', 'an unconfirmed session without its init')
  }
  turn.put(sessions, state.sid, {
    ...record,
    ratchet: state,
    usedAtMs: turn.safeNowMs,
    unconfirmedEntries: unconfirmed ? record.unconfirmedEntries + entries : 0,
    sent: record.sent + 1,
  })
  const inner = concat(init, message)
  return {
    kind: 'encrypted',
    sid: state.sid,
    inner,
    innerId: innerId(turn.crypto, inner),
    unconfirmed,
    createdAtMs: turn.nowMs,
  }
}
