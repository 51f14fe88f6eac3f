// Receipts that arrive: evidence for what they cover, doubt about custody for what they lack, gaps
// for what they name and we do not hold (SPEC.md §10).
import { type Bytes32, EMPTY, concat, equalBytes, readU64, toHex, u64 } from '../../crypto/index.ts'
import type { Receipt, ReceiptAuthor } from '../content/receipt.ts'
import { groupOf } from '../groups/group.ts'
import { membershipOf } from '../groups/membership.ts'
import { CUSTODY_DOUBT_MS } from '../limits.ts'
import { authorFrontier, firstAt, noteHead } from '../log/frontier.ts'
import type { NumberRange } from '../log/ranges.ts'
import { numberIndex } from '../log/tables.ts'
import type { Peer } from '../peers/peer.ts'
import { encodeRecord, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get, range } from '../step.ts'
import { noteBehind } from './behind.ts'
import { remainingLifeMs } from './carriage.ts'
import { controlsReceived } from './control.ts'
import { addEvidence, evidence, hasEntry } from './evidence.ts'
import { type Deposit, type OutboxItem, dequeue, outbox, putItem, undelivered } from './outbox.ts'
import { scoreDown } from './relay-score.ts'
import { resumeCarriage, stopItem } from './stop-carriage.ts'

/** How far a device's receipts said that its user read our entries. */
const readMarks: Table<{ device: Bytes32; conversation: Bytes32 }, number> = {
  name: 'read-marks',
  sealing: 'value',
  place: ({ device, conversation }) => ({ owner: concat(device, conversation), order: EMPTY }),
  encode: (n) => encodeRecord([n]),
  decode: (bytes) => readRecord(bytes, 'read mark').uint('n'),
}

/** Rows of the undelivered index looked at in one load. */
const PAGE = 512
/** Read marks set in one turn: the next receipt goes on. */
const READS_MAX = 10_000

/** Takes a receipt of a device about our entries and numbered frames. */
export function* takeReceipt(
  turn: Turn,
  peer: Peer,
  direct: Bytes32,
  receipt: Receipt,
): Step<void> {
  yield* controlsReceived(turn, peer.device, receipt.numbered.c, receipt.numbered.held)
  for (const { conversation = direct, headN, authors } of receipt.conversations) {
    const isDirect = equalBytes(conversation, direct)
    // A session speaks for its own conversation, and for groups that its device is or was in: a
    // receipt is evidence for its signer only.
    if (!isDirect && (yield* groupOf(conversation)) === undefined) continue
    if (isDirect || (yield* isWriter(turn, conversation, peer.device))) {
      yield* noteHead(turn, conversation, peer.device, headN)
    }
    for (const author of authors) {
      const aboutMe = author.author === undefined || equalBytes(author.author, turn.self.device)
      if (aboutMe) yield* coverOwn(turn, peer, conversation, author)
    }
  }
}

/** Whether a device may write in a group: of another nothing can be missing there. */
function* isWriter(turn: Turn, gid: Bytes32, device: Bytes32): Step<boolean> {
  return (yield* membershipOf(turn, gid))?.accountOf(device) !== undefined
}

function* coverOwn(
  turn: Turn,
  peer: Peer,
  conversation: Bytes32,
  author: ReceiptAuthor,
): Step<void> {
  const { device } = peer
  if (!(yield* isOurs(turn, conversation, author))) return yield* noteBehind(turn, peer.account)
  const covered: readonly NumberRange[] =
    author.n > 0 ? [[1, author.n], ...author.held] : author.held
  const handedOn = new Map<string, number>()
  for (const range of covered) yield* deliverRange(turn, { device, conversation, handedOn }, range)
  yield* noteRead(turn, device, conversation, author.readN)
  yield* doubtCustody(turn, { device, conversation, handedOn })
}

/**
 * Whether what the receipt says of our entries can be: no number above our last, and the id we know
 * at its n. Otherwise this profile was rolled back, or a copy of it is running.
 */
function* isOurs(turn: Turn, conversation: Bytes32, author: ReceiptAuthor): Step<boolean> {
  const mine = yield* authorFrontier(turn, conversation, turn.self.device)
  const top = author.held[author.held.length - 1]?.[1] ?? author.n
  if (top > (mine?.headN ?? 0)) return false
  if (author.n === 0) return true
  const { id8 } = author
  const key = { conversation, author: turn.self.device, n: author.n }
  const ids = (yield* get(numberIndex, key))?.ids ?? []
  return ids.length === 0 || ids.some((id) => id8 !== undefined && equalBytes(id.slice(0, 8), id8))
}

interface Covered {
  readonly device: Bytes32
  readonly conversation: Bytes32
  /** Per relay (hex of its service key): the highest covered n that it had signed for. */
  readonly handedOn: Map<string, number>
}

function* deliverRange(turn: Turn, covered: Covered, [from, to]: NumberRange): Step<void> {
  const { device, conversation, handedOn } = covered
  let next = from
  for (;;) {
    const rows = yield* range(undelivered, {
      owner: concat(device, conversation),
      from: u64(next),
      to: u64(to + 1),
      limit: PAGE,
    })
    for (const { order, value } of rows) {
      const n = readU64(order, 0)
      turn.remove(undelivered, { device, conversation, n })
      yield* addEvidence(turn, value.entry, device, (before) => ({
        ...before,
        receiptAtMs: before.receiptAtMs || turn.nowMs,
      }))
      const item = yield* get(outbox, { device, sequence: value.sequence })
      for (const { serviceKey, holds } of item?.deposits ?? []) {
        if (holds) handedOn.set(toHex(serviceKey), n)
      }
      if (item !== undefined) yield* dequeue(turn, item)
      next = n + 1
    }
    if (rows.length < PAGE) return
  }
}

function* noteRead(turn: Turn, device: Bytes32, conversation: Bytes32, readN: number): Step<void> {
  const before = (yield* get(readMarks, { device, conversation })) ?? 0
  if (readN <= before) return
  const upTo = Math.min(readN, before + READS_MAX)
  for (let n = before + 1; n <= upTo; n++) {
    const own = yield* firstAt(conversation, turn.self.device, n)
    const row = own === undefined ? undefined : yield* get(evidence, own.id)
    const known = row?.devices.find((one) => equalBytes(one.device, device))
    // A device counts what lies below its base as read, and never had it: that says nothing.
    if (own === undefined || known === undefined || !hasEntry(known)) continue
    yield* addEvidence(turn, own.id, device, (one) => ({
      ...one,
      readAtMs: one.readAtMs || turn.nowMs,
    }))
  }
  turn.put(readMarks, { device, conversation }, upTo)
}

/**
 * Custody older than a minute that this receipt does not cover: the copies go out again. A receipt
 * may have crossed with the message, so a relay is scored down only by a second one, a minute later,
 * or by one that covers a later message it signed for.
 */
function* doubtCustody(turn: Turn, { device, conversation, handedOn }: Covered): Step<void> {
  const owner = concat(device, conversation)
  const guilty = new Map<string, Bytes32>()
  let doubted = false
  let expired = false
  // The oldest are enough: the next receipt goes on.
  for (const { order, value } of yield* range(undelivered, { owner, limit: PAGE })) {
    const item = yield* get(outbox, { device, sequence: value.sequence })
    if (item === undefined || item.heldThere) continue
    if (item.message !== undefined && remainingLifeMs(turn, item.message.encryptedAtMs) === 0) {
      // Its life ended before the hourly sweep, and here is the sign of life that offers it again.
      yield* stopItem(turn, item, 'expired')
      expired = true
      continue
    }
    const doubts = item.deposits.filter((one) => isOld(turn, one))
    if (doubts.length === 0) continue
    doubted = true
    for (const one of doubts) {
      const key = toHex(one.serviceKey)
      const again = one.doubtedAtMs > 0 && turn.safeNowMs - one.doubtedAtMs >= CUSTODY_DOUBT_MS
      const passed = (handedOn.get(key) ?? 0) > readU64(order, 0)
      if (again || passed) guilty.set(key, one.serviceKey)
    }
    doubtItem(turn, item)
  }
  for (const serviceKey of guilty.values()) yield* scoreDown(turn, serviceKey, device)
  if (expired) yield* resumeCarriage(turn, device)
  if (doubted) turn.effect({ kind: 'outbox', device })
}

function isOld(turn: Turn, { holds, atMs }: Deposit): boolean {
  return holds && turn.safeNowMs - atMs > CUSTODY_DOUBT_MS
}

function doubtItem(turn: Turn, item: OutboxItem): void {
  const deposits = item.deposits.map((one) =>
    isOld(turn, one) ? { ...one, holds: false, doubtedAtMs: turn.safeNowMs } : one,
  )
  putItem(turn, { ...item, deposits })
}
