// Receipts to send: a dirty mark in the receive batch, the receipt later in a batch of its own, at
// most one per two seconds. Cumulative, so that any later one heals a lost one (SPEC.md §10).
import { type Bytes32, EMPTY, equalBytes } from '../../crypto/index.ts'
import { contactOf, isAccepted } from '../contacts/contact.ts'
import { receiptFrame, type ReceiptAuthor, type ReceiptConversation } from '../content/receipt.ts'
import { frameOf } from '../content/kind.ts'
import { type DeviceSet, deviceSet } from '../device-set.ts'
import {
  RECEIPT_CONVERSATIONS_MAX,
  RECEIPT_INTERVAL_MS,
  RECEIPT_REPEAT_MS,
  WIRE_RANGES_MAX,
} from '../limits.ts'
import { isCoMember } from '../groups/co-members.ts'
import { directConversation } from '../log/entry.ts'
import { authorFrontier } from '../log/frontier.ts'
import { type Peer, peers } from '../peers/peer.ts'
import { profile } from '../profile.ts'
import { encodeRecord, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get } from '../step.ts'
import { sendNotice } from './notice.ts'
import { dequeue, outbox } from './outbox.ts'

interface DueReceipt {
  /** Conversations whose frontier or read mark moved. */
  readonly conversations: readonly Bytes32[]
  readonly lastSentMs: number
  /** When a duplicate last made a receipt due. */
  readonly lastRepeatMs: number
  /** The last receipt's place in the outbox: a newer one takes it, for it says all of it; 0: none. */
  readonly sequence: number
}

const dueReceipts: Table<Bytes32, DueReceipt> = {
  name: 'receipts-due',
  sealing: 'value',
  place: (device) => ({ owner: device, order: EMPTY }),
  encode: (due) =>
    encodeRecord([due.conversations, due.lastSentMs, due.lastRepeatMs, due.sequence]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'due receipt')
    const conversations = fields
      .array('conversations', 0, RECEIPT_CONVERSATIONS_MAX)
      .filter((value) => value instanceof Uint8Array)
    return {
      conversations,
      lastSentMs: fields.uint('lastSent'),
      lastRepeatMs: fields.uint('lastRepeat'),
      sequence: fields.uint('sequence'),
    }
  },
}

const NONE_DUE: DueReceipt = { conversations: [], lastSentMs: 0, lastRepeatMs: 0, sequence: 0 }

/** Devices that a receipt is due to. */
export const receiptDevices: DeviceSet = deviceSet('receipt-set')

/** Marks a receipt as due; repeated marks join into one receipt. */
export function* markReceiptDue(turn: Turn, device: Bytes32, conversation: Bytes32): Step<void> {
  const due = (yield* get(dueReceipts, device)) ?? NONE_DUE
  const known = due.conversations.some((one) => equalBytes(one, conversation))
  if (!known && due.conversations.length < RECEIPT_CONVERSATIONS_MAX) {
    const conversations = [...due.conversations, conversation]
    turn.put(dueReceipts, device, { ...due, conversations })
  }
  yield* receiptDevices.add(turn, device)
  turn.effect({ kind: 'receipts', device })
}

/**
 * Something came again: the receipt before may have been lost. At most one per ten seconds, so that
 * a replaying relay cannot make us talk. A wall clock that was set back does not silence it.
 */
export function* repeatReceipt(turn: Turn, device: Bytes32, conversation: Bytes32): Step<void> {
  const due = (yield* get(dueReceipts, device)) ?? NONE_DUE
  const sinceMs = turn.nowMs - due.lastRepeatMs
  if (sinceMs >= 0 && sinceMs < RECEIPT_REPEAT_MS) return
  turn.put(dueReceipts, device, { ...due, lastRepeatMs: turn.nowMs })
  yield* markReceiptDue(turn, device, conversation)
}

/** Nothing is receipted to a device that is no more. */
export function* forgetReceipts(turn: Turn, device: Bytes32): Step<void> {
  turn.remove(dueReceipts, device)
  yield* receiptDevices.remove(turn, device)
}

/** Milliseconds until the receipt of a device may leave; undefined where none is due. */
export function* receiptDelay(turn: Turn, device: Bytes32): Step<number | undefined> {
  const due = yield* get(dueReceipts, device)
  if (due === undefined || due.conversations.length === 0) return undefined
  return Math.max(
    0,
    Math.min(RECEIPT_INTERVAL_MS, due.lastSentMs + RECEIPT_INTERVAL_MS - turn.nowMs),
  )
}

/** Puts the receipt of a device into its outbox. Nobody but an accepted contact gets one. */
export function* sendReceipt(turn: Turn, device: Bytes32): Step<void> {
  const due = yield* get(dueReceipts, device)
  const peer = yield* get(peers, device)
  yield* receiptDevices.remove(turn, device)
  if (due === undefined || due.conversations.length === 0 || peer === undefined) return
  const accepted = isAccepted(yield* contactOf(peer.account))
  if (!accepted && !(yield* isCoMember(turn, peer.account))) {
    turn.put(dueReceipts, device, { ...due, conversations: [] })
    return
  }
  const direct = directConversation(turn.crypto, turn.self.account, peer.account)
  const conversations: ReceiptConversation[] = []
  for (const conversation of due.conversations) {
    const named = equalBytes(conversation, direct) ? undefined : conversation
    // Of what a co-member writes to us alone nothing is told: it waits in requests.
    if (named === undefined && !accepted) continue
    conversations.push({ ...(yield* receiptOf(turn, peer, conversation)), conversation: named })
  }
  const frame = frameOf(receiptFrame, {
    r: peer.receiptsSent + 1,
    conversations,
    numbered: { c: peer.numberedEnd, held: peer.numberedAbove.slice(0, WIRE_RANGES_MAX) },
  })
  turn.put(peers, device, { ...peer, receiptsSent: peer.receiptsSent + 1 })
  const earlier = yield* get(outbox, { device, sequence: due.sequence })
  if (earlier?.content.kind === 'notice') yield* dequeue(turn, earlier)
  const { sequence } = yield* sendNotice(turn, device, frame)
  turn.put(dueReceipts, device, {
    conversations: [],
    lastSentMs: turn.nowMs,
    lastRepeatMs: due.lastRepeatMs,
    sequence,
  })
}

/** What we hold of the device's own entries, and our own head. */
function* receiptOf(
  turn: Turn,
  peer: Peer,
  conversation: Bytes32,
): Step<Omit<ReceiptConversation, 'conversation'>> {
  const theirs = yield* authorFrontier(turn, conversation, peer.device)
  const mine = yield* authorFrontier(turn, conversation, turn.self.device)
  const { readReceipts } = yield* profile()
  const authors: ReceiptAuthor[] = [
    {
      author: undefined,
      n: theirs?.n ?? 0,
      id8: theirs?.last?.id.slice(0, 8),
      held: theirs?.held.slice(0, WIRE_RANGES_MAX) ?? [],
      readN: readReceipts ? (theirs?.readN ?? 0) : 0,
    },
  ]
  return { headN: mine?.headN ?? 0, authors }
}
