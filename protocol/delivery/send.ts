// Sending a text: entry, evidence and one outbox item per recipient device in one batch. From here
// on it cannot be lost: whatever happens next, a start finds it in the outbox.
import { type Bytes32, encodeText } from '../../crypto/index.ts'
import { contactOf, isAccepted } from '../contacts/contact.ts'
import { textContent } from '../content/text.ts'
import { ProtocolError } from '../errors.ts'
import { TEXT_MAX_BYTES } from '../limits.ts'
import { appendEntry } from '../log/append.ts'
import { directConversation } from '../log/entry.ts'
import { knownDevices } from '../peers/known-devices.ts'
import type { Step, Turn } from '../step.ts'
import { isBehind } from './behind.ts'
import { evidence, noEvidence } from './evidence.ts'
import { followDevices } from './follow-devices.ts'
import { enqueue } from './outbox.ts'
import { prepareOutbox } from './prepare.ts'
import { keepUnaddressed } from './unaddressed.ts'

export interface SentEntry {
  readonly entry: Bytes32
  readonly conversation: Bytes32
  readonly n: number
  readonly lamport: number
}

/**
 * Checks a text before anything is written. Throws ERR_PROTOCOL_EMPTY, ERR_PROTOCOL_TOO_LARGE, or
 * ERR_CRYPTO_TEXT for a lone surrogate, which no UTF-8 can carry: it is refused, never replaced.
 */
export function checkText(text: string): void {
  if (text.trim() === '') throw new ProtocolError('ERR_PROTOCOL_EMPTY', 'there is nothing to send')
  const size = encodeText(text).length
  if (size > TEXT_MAX_BYTES) {
    throw new ProtocolError('ERR_PROTOCOL_TOO_LARGE', `the text has ${size} bytes`, {
      detail: { size, max: TEXT_MAX_BYTES },
    })
  }
}

/** Sends a text to a contact. Throws ERR_PROTOCOL_UNKNOWN for whom we cannot write to. */
export function* sendText(
  turn: Turn,
  account: Bytes32,
  text: string,
  replyTo?: Bytes32,
): Step<SentEntry> {
  checkText(text)
  const contact = yield* contactOf(account)
  if (!isAccepted(contact)) {
    const code = contact?.state === 'blocked' ? 'ERR_PROTOCOL_FORBIDDEN' : 'ERR_PROTOCOL_UNKNOWN'
    throw new ProtocolError(code, 'not a contact that can be written to')
  }
  if (yield* isBehind(account)) {
    throw new ProtocolError('ERR_PROTOCOL_STATE', 'this profile was copied or restored', {
      detail: { reason: 'PROFILE_BEHIND' },
    })
  }
  const conversation = directConversation(turn.crypto, turn.self.account, account)
  const { id, n, lamport } = yield* appendEntry(turn, {
    conversation,
    op: undefined,
    kind: textContent.kind,
    body: textContent.encode({ text, replyTo }),
    sentAtMs: turn.nowMs,
  })
  yield* followDevices(turn, account)
  const devices = yield* knownDevices(account)
  turn.put(evidence, id, {
    conversation,
    n,
    queuedAtMs: turn.nowMs,
    devices: devices.map(({ device }) => noEvidence(device)),
    group: undefined,
  })
  if (devices.length === 0) keepUnaddressed(turn, conversation, { entry: id, n })
  for (const { device } of devices) {
    yield* enqueue(turn, device, { kind: 'entry', conversation, entry: id, n })
    yield* prepareOutbox(turn, device)
  }
  return { entry: id, conversation, n, lamport }
}
