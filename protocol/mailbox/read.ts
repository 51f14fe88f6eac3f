// Reading and acknowledging (SPEC.md §14.3, §14.5). A device mailbox has no durable cursor: what
// was acknowledged is gone, so each stream starts at the front.
import {
  type Bytes8,
  type Bytes16,
  type Bytes32,
  compareBytes,
  equalBytes,
  readU64,
  u64,
} from '../../crypto/index.ts'
import { LANE_GROUP } from '../relay/capability.ts'
import { type RelayFailure, failed } from '../relay/failure.ts'
import { chainMark } from '../relay/group-chain.ts'
import type { RelayItem } from '../relay/item.ts'
import { ITEM_OVERHEAD_BYTES } from '../relay/limits.ts'
import type { Cursor, FetchReply, FetchRequest } from '../relay/ops-mailbox.ts'
import { type Row, type Step, get, range } from '../step.ts'
import { forgetCoalesced } from './coalesce.ts'
import { READ_PAGE } from './limits.ts'
import type { MarkRecord, RingState, RowRecord } from './records.ts'
import { mailboxes, marks, rows } from './tables.ts'
import { type MailboxTurn, countersOf, shownIncarnation } from './turn.ts'

const UNKNOWN: RelayFailure = failed('unknown', { scope: 'mailbox' })

function itemOf(seq: number, row: RowRecord, idsOnly: boolean): RelayItem {
  const { envId, lane, capId, storedAtS, expiresS } = row
  const env = idsOnly ? new Uint8Array(0) : row.env
  return { seq, envId, lane, capId, storedAtS, expiresS, env }
}

/** Up to a page of items behind a sequence number: for pushing. */
export function* itemsAfter(
  mailboxId: Bytes16,
  afterSeq: number,
  limit: number,
): Step<readonly RelayItem[]> {
  const page = yield* range(rows, {
    owner: mailboxId,
    from: u64(afterSeq + 1),
    limit: Math.min(limit, READ_PAGE),
  })
  return page.map(({ order, value }) => itemOf(readU64(order, 0), value, false))
}

/** What is pushed of a ring: items, and the head as it was before they were read. */
export interface RingPage {
  readonly items: readonly RelayItem[]
  readonly head: { readonly seq: number; readonly chain: Bytes8 } | undefined
}

/**
 * Up to a page of a group's items behind a sequence number. The head is read first: where no items
 * follow, it is the one to tell.
 */
export function* ringItemsAfter(
  mailboxId: Bytes16,
  afterSeq: number,
  limit: number,
): Step<RingPage> {
  const record = yield* get(mailboxes, mailboxId)
  const { ring } = record ?? {}
  if (record === undefined || ring === undefined) return { items: [], head: undefined }
  const items = yield* itemsAfter(mailboxId, Math.max(afterSeq, ring.trimmedUpTo), limit)
  return { items, head: { seq: record.seqHigh, chain: chainMark(ring.chain) } }
}

/** Where a mailbox stands. */
export interface MailboxHead {
  readonly incarnation: Bytes8
  /** The last sequence number given. */
  readonly headSeq: number
  /** 0 at a device mailbox. */
  readonly trimmedUpTo: number
  readonly chain: Bytes8 | undefined
  readonly trimChain: Bytes32 | undefined
}

/** Where a mailbox stands; `incarnation` where a cursor is not of what it has. */
export function* headOf(
  turn: MailboxTurn,
  mailboxId: Bytes16,
  after: Cursor | undefined,
): Step<MailboxHead | RelayFailure> {
  const record = yield* get(mailboxes, mailboxId)
  if (record === undefined || record.closing) return UNKNOWN
  const incarnation = shownIncarnation(turn, record)
  const other = failed('incarnation', { scope: 'mailbox', detail: incarnation })
  if (after !== undefined && !equalBytes(after.incarnation, incarnation)) return other
  const { ring, seqHigh } = record
  if (ring === undefined) {
    const { headSeq } = yield* countersOf(turn, mailboxId, record)
    return { incarnation, headSeq, trimmedUpTo: 0, chain: undefined, trimChain: undefined }
  }
  const isOurs = after === undefined || (yield* isOnChain(mailboxId, after, ring, seqHigh))
  if (!isOurs) return other
  const { trimmedUpTo, trimChain, chain } = ring
  return { incarnation, headSeq: seqHigh, trimmedUpTo, chain: chainMark(chain), trimChain }
}

/** Whether a ring has what a cursor's reader read. Of what was dropped nothing is known any more. */
function* isOnChain(
  mailboxId: Bytes16,
  after: Cursor,
  ring: RingState,
  headSeq: number,
): Step<boolean> {
  const { seq, chain } = after
  if (seq < ring.trimmedUpTo) return true
  if (chain === undefined || seq > headSeq) return false
  if (seq === headSeq) return equalBytes(chain, chainMark(ring.chain))
  if (seq === ring.trimmedUpTo) return equalBytes(chain, chainMark(ring.trimChain))
  const row = yield* get(rows, { mailboxId, seq })
  return row?.ring !== undefined && equalBytes(chain, row.ring.chain)
}

/** Reads items, cut to `roomBytes` of the reply frame; the first never for the asked maxBytes. */
export function* fetchItems(
  turn: MailboxTurn,
  request: FetchRequest,
  roomBytes: number,
): Step<FetchReply | RelayFailure> {
  const { mailboxId, after } = request
  const head = yield* headOf(turn, mailboxId, after)
  if ('kind' in head) return head
  const limit = Math.max(1, request.limit)
  const cut = new Cut(limit, Math.min(request.maxBytes, roomBytes), roomBytes)
  const wanted = request.envIds.length > 0 ? yield* rowsNamed(mailboxId, request.envIds) : undefined
  let from = Math.max(after?.seq ?? 0, head.trimmedUpTo) + 1
  for (let more = true; more && !cut.full;) {
    const page: readonly Row<RowRecord>[] =
      wanted ?? (yield* range(rows, { owner: mailboxId, from: u64(from), limit: READ_PAGE }))
    for (const { order, value } of page) {
      const seq = readU64(order, 0)
      if (wanted !== undefined && seq < from) continue
      cut.add(itemOf(seq, value, request.idsOnly))
      if (cut.full) break
      from = seq + 1
    }
    more = wanted === undefined && page.length === READ_PAGE
  }
  if (cut.full && cut.items.length === 0) return failed('busy')
  return { ...head, items: cut.items, more: cut.full }
}

/** Collects items until one does not fit. */
class Cut {
  readonly items: RelayItem[] = []
  full = false
  #bytes = 0
  readonly #limit: number
  readonly #maxBytes: number
  readonly #roomBytes: number

  constructor(limit: number, maxBytes: number, roomBytes: number) {
    this.#limit = limit
    this.#maxBytes = maxBytes
    this.#roomBytes = roomBytes
  }

  add(item: RelayItem): void {
    const bytes = this.#bytes + item.env.length + ITEM_OVERHEAD_BYTES
    const most = this.items.length === 0 ? this.#roomBytes : this.#maxBytes
    if (this.items.length === this.#limit || bytes > most) this.full = true
    else {
      this.#bytes = bytes
      this.items.push(item)
    }
  }
}

function* rowsNamed(
  mailboxId: Bytes16,
  envIds: readonly Bytes32[],
): Step<readonly Row<RowRecord>[]> {
  const found = new Map<number, Row<RowRecord>>()
  for (const envId of envIds) {
    const mark = yield* get(marks, { mailboxId, envId })
    // Of a group also the stubs: their ids are in the chain.
    if (mark === undefined || (!mark.held && mark.lane !== LANE_GROUP)) continue
    const value = yield* get(rows, { mailboxId, seq: mark.seq })
    if (value !== undefined) found.set(mark.seq, { order: u64(mark.seq), value })
  }
  return [...found.values()].sort((a, b) => compareBytes(a.order, b.order))
}

/** What an ACK did, and the marks of whom became too many. */
export interface Acked {
  readonly count: number
  /** One mark of each share that holds more acknowledged ones than it may. */
  readonly crowded: readonly MarkRecord[]
}

/** Deletes the rows named; their marks stay until they expire. Unknown ids are no error. */
export function* acknowledge(
  turn: MailboxTurn,
  mailboxId: Bytes16,
  envIds: readonly Bytes32[],
): Step<Acked | RelayFailure> {
  const record = yield* get(mailboxes, mailboxId)
  if (record === undefined || record.closing) return UNKNOWN
  const counters = yield* countersOf(turn, mailboxId, record)
  const crowded: MarkRecord[] = []
  let count = 0
  for (const envId of envIds) {
    const mark = yield* get(marks, { mailboxId, envId })
    if (mark?.held !== true) continue
    const { coalesce: _over, ...kept } = mark
    const acked = { ...kept, held: false }
    yield* forgetCoalesced(turn, mailboxId, mark)
    turn.remove(rows, { mailboxId, seq: mark.seq })
    turn.put(marks, { mailboxId, envId }, acked)
    counters.remove(mark)
    counters.add(acked)
    count += 1
    if (counters.isCrowded(acked, turn.limits.ackedMarks)) crowded.push(acked)
  }
  return { count, crowded }
}
