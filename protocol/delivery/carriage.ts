// What became of an attempt to carry an item: an answer on a stream, custody at a relay, a refusal.
// Only durable answers and verified custody are evidence (SPEC.md §10).
import {
  type Bytes16,
  type Bytes32,
  EMPTY,
  concat,
  envelopeId,
  sealEnvelope,
} from '../../crypto/index.ts'
import type { Answer } from '../direct/direct-frame.ts'
import { CUSTODY_PER_DEVICE_MAX, DEPOSITS_PER_ITEM_MAX, ENVELOPE_LIFE_MS } from '../limits.ts'
import { type Peer, peers } from '../peers/peer.ts'
import { encodeRecord, readRecord } from '../record.ts'
import { retireSessions } from '../session/keep-session.ts'
import { type Step, type Table, type Turn, get } from '../step.ts'
import { type Custody, addEvidence } from './evidence.ts'
import {
  type OutboxItem,
  dequeue,
  outbox,
  outboxHead,
  putItem,
  putPrepared,
  undelivered,
} from './outbox.ts'

interface ItemKey {
  readonly device: Bytes32
  readonly sequence: number
}

/** Sealed copies, by inner id and mailbox: a retry at the same mailbox sends the same bytes. */
const sealedCopies: Table<{ innerId: Bytes32; mailboxId: Bytes16 }, Uint8Array> = {
  name: 'sealed',
  sealing: 'value',
  place: ({ innerId, mailboxId }) => ({ owner: EMPTY, order: concat(innerId, mailboxId) }),
  encode: (envelope) => encodeRecord([envelope]),
  decode: (bytes) => readRecord(bytes, 'sealed copy').bytes('envelope', 1, 65_536),
}

export interface SealedCopy {
  readonly sequence: number
  readonly envelope: Uint8Array
  readonly envelopeId: Bytes32
  /** Remaining life in seconds; 0: expired. */
  readonly ttlS: number
}

/** The item's copy for one mailbox, sealed once and kept for retries. */
export function* sealedCopy(
  turn: Turn,
  item: OutboxItem,
  mailboxId: Bytes16,
): Step<SealedCopy | undefined> {
  const { message } = item
  const peer = yield* get(peers, item.device)
  if (message === undefined || peer === undefined) return undefined
  const key = { innerId: message.innerId, mailboxId }
  let envelope = yield* get(sealedCopies, key)
  if (envelope === undefined) {
    envelope = sealEnvelope(turn.crypto, turn.random, { ...sealTarget(peer), mailboxId }, message)
    turn.put(sealedCopies, key, envelope)
  }
  const ageMs = Math.max(0, turn.safeNowMs - message.encryptedAtMs)
  return {
    sequence: item.sequence,
    envelope,
    envelopeId: envelopeId(turn.crypto, message.innerId, mailboxId),
    ttlS: Math.max(0, Math.floor((ENVELOPE_LIFE_MS - ageMs) / 1000)),
  }
}

function sealTarget(peer: Peer): { readonly keyId: number; readonly publicKey: Bytes32 } {
  const { seal } = peer.endpoints
  return seal === undefined
    ? { keyId: 0, publicKey: peer.dh }
    : { keyId: seal.id, publicKey: seal.publicKey }
}

/** Drops an item's sealed copies with it. */
function* finish(turn: Turn, item: OutboxItem): Step<void> {
  const { message } = item
  if (message !== undefined) {
    for (const { mailboxId } of item.deposits) {
      turn.remove(sealedCopies, { innerId: message.innerId, mailboxId })
    }
  }
  yield* dequeue(turn, item)
}

/** A relay's verified word that it holds an item. */
export function* noteCustody(
  turn: Turn,
  key: ItemKey,
  custody: Omit<Custody, 'atMs' | 'void'> & { readonly mailboxId: Bytes16 },
): Step<void> {
  const item = yield* get(outbox, key)
  if (item === undefined) return
  const { serviceKey, mailboxId, incarnation, holdUntilS } = custody
  const { content } = item
  if (content.kind === 'entry') {
    yield* addEvidence(turn, content.entry, item.device, (before) => ({
      ...before,
      custody: [
        ...before.custody.filter((one) => !same(one.serviceKey, serviceKey)),
        { serviceKey, incarnation, holdUntilS, atMs: turn.nowMs, void: false },
      ].slice(-CUSTODY_PER_DEVICE_MAX),
    }))
  }
  const deposits = [
    ...item.deposits.filter((one) => !same(one.serviceKey, serviceKey)),
    { serviceKey, mailboxId, holds: true, atMs: turn.nowMs },
  ].slice(-DEPOSITS_PER_ITEM_MAX)
  const next = { ...item, deposits }
  if (content.kind === 'notice' && (yield* noticeMayLeave(next))) yield* finish(turn, next)
  else putItem(turn, next)
}

/** A notice is healed by repetition: it leaves at the first custody or answer, or when heard. */
function* noticeMayLeave(item: OutboxItem): Step<boolean> {
  if (item.content.kind !== 'notice') return false
  if (!item.content.untilHeard) return true
  return (yield* get(peers, item.device))?.heard === true
}

/**
 * A peer's answer to an envelope on a stream. `committed` is evidence only from the transport key
 * that the device itself named; from another one the receipt decides.
 */
export function* noteAnswer(
  turn: Turn,
  key: ItemKey,
  answer: Answer,
  transportKey: Bytes32,
): Step<void> {
  const item = yield* get(outbox, key)
  if (item === undefined) return
  const named = (yield* get(peers, key.device))?.endpoints.home?.transportKey
  const proven = named !== undefined && same(named, transportKey)
  if (answer.code === 'committed' && !proven) return
  const { content } = item
  switch (answer.code) {
    case 'committed':
      if (content.kind === 'entry') {
        yield* addEvidence(turn, content.entry, item.device, (before) => ({
          ...before,
          committedAtMs: before.committedAtMs || turn.nowMs,
        }))
        const { conversation, n } = content
        turn.remove(undelivered, { device: item.device, conversation, n })
        yield* finish(turn, item)
      } else if (content.kind === 'notice') {
        if (yield* noticeMayLeave(item)) yield* finish(turn, item)
        else putItem(turn, { ...item, heldThere: true })
      } else {
        // A control frame waits for the receipt that covers its number.
        putItem(turn, { ...item, heldThere: true })
      }
      return
    case 'held':
      if (yield* noticeMayLeave(item)) yield* finish(turn, item)
      else putItem(turn, { ...item, heldThere: true })
      return
    case 'unknownSession':
      if (item.message !== undefined) yield* retireSessions(turn, item.device, [item.message.sid])
      yield* encryptAgain(turn, item.device, item.sequence)
      turn.effect({ kind: 'bundle', device: item.device })
      return
    case 'busy':
    case 'refused':
      return
  }
}

/** Items taken back in one turn. */
const AGAIN_PAGE = 1_000

/**
 * Forgets the ciphertext of a device's items from a sequence on, so that they are encrypted again in
 * a new session: the same entries, the same control numbers (SPEC.md §5).
 */
export function* encryptAgain(turn: Turn, device: Bytes32, from: number): Step<void> {
  for (let sequence = from, count = 0; count < AGAIN_PAGE; count++, sequence++) {
    const item = yield* get(outbox, { device, sequence })
    if (item?.message !== undefined) {
      putItem(turn, { ...item, message: undefined, deposits: [], heldThere: false })
    }
    const head = yield* outboxHead(device)
    if (sequence >= head.next - 1) break
  }
  const head = yield* outboxHead(device)
  putPrepared(turn, device, head, Math.min(head.prepared, from - 1))
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
