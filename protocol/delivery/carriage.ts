// What became of an attempt to carry an item: an answer on a stream, custody at a relay, a refusal.
// Only durable answers and verified custody are evidence (SPEC.md §10).
import {
  type Bytes16,
  type Bytes32,
  envelopeId,
  equalBytes,
  sealEnvelope,
} from '../../crypto/index.ts'
import type { Answer } from '../direct/direct-frame.ts'
import { CUSTODY_PER_DEVICE_MAX, DEPOSITS_PER_ITEM_MAX, ENVELOPE_LIFE_MS } from '../limits.ts'
import { type Peer, peers } from '../peers/peer.ts'
import { retireSessions } from '../session/keep-session.ts'
import { sessionIndex } from '../session/session-index.ts'
import { type Step, type Turn, get } from '../step.ts'
import { type Custody, addEvidence } from './evidence.ts'
import { noteMailboxIncarnation } from './incarnation.ts'
import {
  type Deposit,
  type OutboxItem,
  dequeue,
  dropCopies,
  eachItem,
  outbox,
  outboxHead,
  putItem,
  putPrepared,
  sealedCopies,
  undelivered,
} from './outbox.ts'
import { type Found, noteFound } from './probe.ts'
import { stopItem } from './stop-carriage.ts'
import { awaitReply } from './unanswered.ts'

export interface SealedCopy {
  readonly sequence: number
  /** Which ciphertext of the item this is: an item may be encrypted again while a copy travels. */
  readonly innerId: Bytes32
  readonly envelope: Uint8Array
  readonly envelopeId: Bytes32
  /** Remaining life in seconds, at least 1. */
  readonly ttlS: number
}

/** Milliseconds that an encrypted item may still be carried; 0: expired. */
export function remainingLifeMs(turn: Turn, encryptedAtMs: number): number {
  return Math.max(0, ENVELOPE_LIFE_MS - Math.max(0, turn.safeNowMs - encryptedAtMs))
}

/** The item's copy for one mailbox, sealed once and kept for retries; undefined: not to be sent. */
export function* sealedCopy(
  turn: Turn,
  item: OutboxItem,
  mailbox: { readonly serviceKey: Bytes32; readonly mailboxId: Bytes16 },
): Step<SealedCopy | undefined> {
  const { message, sequence } = item
  const peer = yield* get(peers, item.device)
  if (message === undefined || peer === undefined) return undefined
  const ttlS = Math.floor(remainingLifeMs(turn, message.encryptedAtMs) / 1000)
  if (ttlS === 0) return undefined
  const { mailboxId } = mailbox
  const { innerId } = message
  let envelope = yield* get(sealedCopies, { innerId, mailboxId })
  if (envelope === undefined) {
    envelope = sealEnvelope(turn.crypto, turn.random, { ...sealTarget(peer), mailboxId }, message)
    turn.put(sealedCopies, { innerId, mailboxId }, envelope)
    noteCopy(turn, item, mailbox)
  }
  return {
    sequence,
    innerId,
    envelope,
    envelopeId: envelopeId(turn.crypto, innerId, mailboxId),
    ttlS,
  }
}

/** Writes down that a copy was made for a mailbox, so that it goes when the item goes. */
function noteCopy(
  turn: Turn,
  item: OutboxItem,
  { serviceKey, mailboxId }: { readonly serviceKey: Bytes32; readonly mailboxId: Bytes16 },
): void {
  if (item.deposits.some((one) => equalBytes(one.mailboxId, mailboxId))) return
  const made = {
    serviceKey,
    mailboxId,
    incarnation: undefined,
    holds: false,
    atMs: 0,
    doubtedAtMs: 0,
  }
  putItem(turn, { ...item, deposits: withDeposit(turn, item, made) })
}

/** The deposits with this one in the place of an earlier one of its mailbox. */
function withDeposit(turn: Turn, item: OutboxItem, next: Deposit): readonly Deposit[] {
  const others = item.deposits.filter((one) => !equalBytes(one.mailboxId, next.mailboxId))
  const kept = others.slice(-(DEPOSITS_PER_ITEM_MAX - 1))
  dropCopies(turn, { ...item, deposits: others.slice(0, others.length - kept.length) })
  return [...kept, next]
}

function sealTarget(peer: Peer): { readonly keyId: number; readonly publicKey: Bytes32 } {
  const { seal } = peer.endpoints
  return seal === undefined
    ? { keyId: 0, publicKey: peer.dh }
    : { keyId: seal.id, publicKey: seal.publicKey }
}

/** What a relay signed for. */
export interface RelayWord extends Pick<Custody, 'serviceKey' | 'incarnation'> {
  readonly mailboxId: Bytes16
  /** How long it promised to hold it from now on, by its own clock, in seconds. */
  readonly holdS: number
  readonly found: Found
}

/**
 * Until when a promise stands, by the guarded clock here: its relay's clock may be wrong, or ours, and
 * no promise counts for longer than the message is carried.
 */
function standsUntilS(turn: Turn, holdS: number, encryptedAtMs: number): number {
  const lifeS = Math.ceil(remainingLifeMs(turn, encryptedAtMs) / 1000)
  return Math.floor(turn.safeNowMs / 1000) + Math.min(Math.max(0, holdS), lifeS)
}

/** A relay's verified word that it holds a copy. */
export function* noteCustody(
  turn: Turn,
  key: { readonly device: Bytes32; readonly sequence: number; readonly innerId: Bytes32 },
  custody: RelayWord,
): Step<void> {
  const { device } = key
  const { serviceKey, mailboxId, incarnation, holdS } = custody
  yield* noteMailboxIncarnation(turn, { device, serviceKey, mailboxId, incarnation })
  const item = yield* get(outbox, key)
  // A copy of an earlier ciphertext: what the relay holds there cannot be read any more.
  if (item?.message === undefined || !equalBytes(item.message.innerId, key.innerId)) return
  const { content } = item
  if (content.kind === 'entry') {
    const holdUntilS = standsUntilS(turn, holdS, item.message.encryptedAtMs)
    yield* addEvidence(turn, content.entry, device, (before) => ({
      ...before,
      closed: '',
      custody: [
        ...before.custody.filter(
          (one) =>
            !equalBytes(one.serviceKey, serviceKey) || !equalBytes(one.incarnation, incarnation),
        ),
        { serviceKey, incarnation, holdUntilS, atMs: turn.nowMs, void: false },
      ].slice(-CUSTODY_PER_DEVICE_MAX),
    }))
  }
  const before = item.deposits.find((one) => equalBytes(one.mailboxId, mailboxId))
  const deposit = {
    serviceKey,
    mailboxId,
    incarnation,
    holds: true,
    atMs: turn.safeNowMs,
    doubtedAtMs: before?.doubtedAtMs ?? 0,
  }
  const next = { ...item, deposits: withDeposit(turn, item, deposit) }
  yield* awaitReply(turn, device, item.message.sid)
  if ((yield* isEverywhere(next)) && (yield* noticeMayLeave(next))) yield* dequeue(turn, next)
  else putItem(turn, next)
  if (before?.incarnation !== undefined) yield* noteFound(turn, next, before, custody.found)
}

/** Whether every mailbox of the device has the item: one of its relays may be a liar. */
function* isEverywhere({ device, deposits }: OutboxItem): Step<boolean> {
  const { mailboxes = [] } = (yield* get(peers, device))?.endpoints ?? {}
  return mailboxes.every(({ mailboxId }) =>
    deposits.some((one) => one.holds && equalBytes(one.mailboxId, mailboxId)),
  )
}

/**
 * A notice is healed by repetition: it leaves when every relay has it, or at an answer; one with an
 * intro or a reset not before anything arrived on its session.
 */
function* noticeMayLeave({ content, device, message }: OutboxItem): Step<boolean> {
  if (content.kind !== 'notice') return false
  if (!content.untilHeard) return true
  if (message === undefined) return false
  const refs = (yield* get(sessionIndex, device))?.sessions ?? []
  const ref = refs.find(({ sid }) => equalBytes(sid, message.sid))
  return ref === undefined || ref.confirmed
}

/**
 * A peer's answer to an envelope on a stream. `committed` and `refused` count only from the transport
 * key that the device itself named; from another one the receipt decides. `sid`: the session of the
 * ciphertext that was answered, which may have been replaced since.
 */
export function* noteAnswer(
  turn: Turn,
  key: { readonly device: Bytes32; readonly sequence: number; readonly sid: Bytes16 },
  answer: Answer,
  transportKey: Bytes32,
): Step<void> {
  const item = yield* get(outbox, key)
  if (item === undefined) return
  const named = (yield* get(peers, key.device))?.endpoints.home?.transportKey
  const proven = named !== undefined && equalBytes(named, transportKey)
  const current = item.message !== undefined && equalBytes(item.message.sid, key.sid)
  switch (answer.code) {
    case 'committed':
      if (proven) yield* noteCommitted(turn, item)
      return
    case 'held':
      if (!current) return
      if (yield* noticeMayLeave(item)) yield* dequeue(turn, item)
      else putItem(turn, { ...item, heldThere: true })
      return
    case 'unknownSession':
      if (!current) return
      yield* retireSessions(turn, item.device, [key.sid])
      yield* encryptAgain(turn, item.device, ({ message }) => equalBytes(message.sid, key.sid))
      turn.effect({ kind: 'bundle', device: item.device })
      return
    case 'refused':
      if (proven && current) yield* stopItem(turn, item, 'refused')
      return
    case 'busy':
      return
  }
}

function* noteCommitted(turn: Turn, item: OutboxItem): Step<void> {
  const { content, device } = item
  if (content.kind !== 'entry') {
    // A control frame waits for the receipt that covers its number.
    if (yield* noticeMayLeave(item)) yield* dequeue(turn, item)
    else putItem(turn, { ...item, heldThere: true })
    return
  }
  yield* addEvidence(turn, content.entry, device, (before) => ({
    ...before,
    committedAtMs: before.committedAtMs || turn.nowMs,
  }))
  const { conversation, n } = content
  turn.remove(undelivered, { device, conversation, n })
  yield* dequeue(turn, item)
}

type EncryptedItem = OutboxItem & { readonly message: NonNullable<OutboxItem['message']> }

function isEncrypted(item: OutboxItem): item is EncryptedItem {
  return item.message !== undefined
}

/**
 * Forgets the ciphertext of those of a device's items that `which` names, so that they are encrypted
 * again in a new session: the same entries, the same control numbers (SPEC.md §5).
 */
export function* encryptAgain(
  turn: Turn,
  device: Bytes32,
  which: (item: EncryptedItem) => boolean,
): Step<void> {
  let first = Number.POSITIVE_INFINITY
  yield* eachItem(device, function* (item) {
    if (!isEncrypted(item) || !which(item)) return
    first = Math.min(first, item.sequence)
    dropCopies(turn, item)
    putItem(turn, { ...item, message: undefined, deposits: [], heldThere: false })
  })
  const head = yield* outboxHead(device)
  if (first <= head.prepared) putPrepared(turn, device, head, first - 1)
}
