// Receipts that arrive: evidence for what they cover, doubt about custody for what they lack, gaps
// for what they name and we do not hold (SPEC.md §10).
import { type Bytes32, EMPTY, concat, equalBytes, readU64, u64 } from '../../crypto/index.ts'
import type { Receipt, ReceiptAuthor } from '../content/receipt.ts'
import { CUSTODY_DOUBT_MS } from '../limits.ts'
import { authorFrontier, firstAt, noteHead } from '../log/frontier.ts'
import type { NumberRange } from '../log/ranges.ts'
import type { Peer } from '../peers/peer.ts'
import { encodeRecord, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get, range } from '../step.ts'
import { controlsReceived } from './control.ts'
import { addEvidence } from './evidence.ts'
import { dequeue, outbox, putItem, undelivered } from './outbox.ts'

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

/** Takes a receipt of a device about our entries and numbered frames. */
export function* takeReceipt(
  turn: Turn,
  peer: Peer,
  direct: Bytes32,
  receipt: Receipt,
): Step<void> {
  yield* controlsReceived(turn, peer.device, receipt.numbered.c, receipt.numbered.held)
  for (const { conversation = direct, headN, authors } of receipt.conversations) {
    yield* noteHead(turn, conversation, peer.device, headN)
    for (const author of authors) {
      const aboutMe = author.author === undefined || equalBytes(author.author, turn.self.device)
      if (aboutMe) yield* coverOwn(turn, peer.device, conversation, author)
    }
  }
}

function* coverOwn(
  turn: Turn,
  device: Bytes32,
  conversation: Bytes32,
  author: ReceiptAuthor,
): Step<void> {
  const mine = yield* authorFrontier(turn, conversation, turn.self.device)
  if (author.n > (mine?.headN ?? 0)) {
    turn.change({
      kind: 'warning',
      code: 'PROFILE_BEHIND',
      text: 'A contact holds messages of this device that this profile does not know: it was copied or restored.',
    })
    return
  }
  const covered: readonly NumberRange[] =
    author.n > 0 ? [[1, author.n], ...author.held] : author.held
  let highest = 0
  for (const [from, to] of covered) {
    highest = Math.max(highest, to)
    yield* deliverRange(turn, device, conversation, [from, to])
  }
  yield* noteRead(turn, device, conversation, author.readN)
  yield* doubtCustody(turn, device, conversation)
}

function* deliverRange(
  turn: Turn,
  device: Bytes32,
  conversation: Bytes32,
  [from, to]: NumberRange,
): Step<void> {
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
      if (item !== undefined) yield* dequeue(turn, item)
      next = n + 1
    }
    if (rows.length < PAGE) return
  }
}

function* noteRead(turn: Turn, device: Bytes32, conversation: Bytes32, readN: number): Step<void> {
  const before = (yield* get(readMarks, { device, conversation })) ?? 0
  if (readN <= before) return
  for (let n = before + 1; n <= readN; n++) {
    const own = yield* firstAt(conversation, turn.self.device, n)
    if (own === undefined) continue
    yield* addEvidence(turn, own.id, device, (one) => ({
      ...one,
      readAtMs: one.readAtMs || turn.nowMs,
    }))
  }
  turn.put(readMarks, { device, conversation }, readN)
}

/** Custody older than a minute that this receipt does not cover: the copies go out again. */
function* doubtCustody(turn: Turn, device: Bytes32, conversation: Bytes32): Step<void> {
  const rows = yield* range(undelivered, { owner: concat(device, conversation), limit: PAGE })
  let doubted = false
  for (const { value } of rows) {
    const item = yield* get(outbox, { device, sequence: value.sequence })
    if (item === undefined) continue
    const old = item.deposits.some(
      (deposit) => deposit.holds && turn.nowMs - deposit.atMs > CUSTODY_DOUBT_MS,
    )
    if (!old) continue
    doubted = true
    putItem(turn, {
      ...item,
      deposits: item.deposits.map((deposit) => ({ ...deposit, holds: false, atMs: turn.nowMs })),
    })
  }
  if (doubted) turn.effect({ kind: 'outbox', device })
}
