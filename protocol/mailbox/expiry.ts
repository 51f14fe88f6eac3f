// What goes by itself (SPEC.md §14.5): rows and marks at their end, mailboxes at the end of their
// lease, marks beyond their number. In steps of a budget, so that no sweep holds up a deposit.
import {
  type Bytes16,
  EMPTY,
  concat,
  equalBytes,
  readU32,
  toHex,
  u16,
  u32,
} from '../../crypto/index.ts'
import { type Step, get, range } from '../step.ts'
import { forgetCoalesced } from './coalesce.ts'
import { READ_PAGE, SCAN_PAGE } from './limits.ts'
import type { MailboxRecord, MarkRecord } from './records.ts'
import { dropFront, frontRows } from './ring.ts'
import {
  type ExpiryKey,
  type LeaseKey,
  cards,
  charges,
  expiries,
  invites,
  leases,
  mailboxes,
  marks,
  prekeys,
  readExpiryOrder,
  readLeaseOrder,
  rows,
  stocks,
} from './tables.ts'
import { dropCharges } from './tickets.ts'
import { type MailboxTurn, countersOf } from './turn.ts'

/** The key right behind one. */
function behind(order: Uint8Array): Uint8Array {
  return concat(order, Uint8Array.of(0))
}

/** The earliest hour that has ended and holds something to expire. */
export function* dueExpiry(turn: MailboxTurn): Step<ExpiryKey | undefined> {
  const to = u32(Math.floor(turn.nowS / 3600))
  const [first] = yield* range(expiries, { owner: EMPTY, to, limit: 1 })
  return first === undefined ? undefined : readExpiryOrder(first.order)
}

/**
 * Removes what ended in one mailbox, looking at up to `budget` marks from `from` on. Where to go
 * on, or undefined when the mailbox is through: then its entry of that hour is gone too.
 */
export function* expireRows(
  turn: MailboxTurn,
  due: ExpiryKey,
  from: Uint8Array | undefined,
  budget: number,
): Step<Uint8Array | undefined> {
  const { mailboxId } = due
  const record = yield* get(mailboxes, mailboxId)
  if (record?.ring !== undefined) return yield* expireRing(turn, due, record, budget)
  const page = yield* range(marks, {
    owner: mailboxId,
    ...(from === undefined ? {} : { from }),
    limit: budget,
  })
  const counters = record === undefined ? undefined : yield* countersOf(turn, mailboxId, record)
  for (const { order, value } of page) {
    if (value.expiresS > turn.nowS || value.holdUntilS > turn.nowS) continue
    turn.remove(marks, { mailboxId, envId: order })
    if (value.held) turn.remove(rows, { mailboxId, seq: value.seq })
    yield* forgetCoalesced(turn, mailboxId, value)
    counters?.remove(value)
  }
  const last = page[page.length - 1]
  if (last !== undefined && page.length === budget) return behind(last.order)
  for (const { order, value } of yield* range(invites, { owner: mailboxId, limit: SCAN_PAGE })) {
    if (value.expiresS <= turn.nowS) turn.remove(invites, { mailboxId, capId: order })
  }
  turn.remove(expiries, due)
  return undefined
}

/** The front of a ring, as far as it ended: what is behind a row that did not stays with it. */
function* expireRing(
  turn: MailboxTurn,
  due: ExpiryKey,
  record: MailboxRecord,
  budget: number,
): Step<Uint8Array | undefined> {
  const { mailboxId } = due
  const { ring } = record
  if (ring === undefined) return undefined
  // With their bodies, unlike marks: fewer at once.
  const limit = Math.min(budget, READ_PAGE)
  const page = yield* frontRows(mailboxId, ring.trimmedUpTo + 1, limit)
  const stays = page.findIndex(
    ({ row }) => row.expiresS > turn.nowS || (row.ring?.holdUntilS ?? 0) > turn.nowS,
  )
  const front = stays === -1 ? page : page.slice(0, stays)
  if (front.length > 0) {
    const counters = yield* countersOf(turn, mailboxId, record)
    const after = yield* dropFront(turn, mailboxId, ring, { counters, front })
    turn.put(mailboxes, mailboxId, { ...record, ring: after })
  }
  if (stays === -1 && page.length === limit) return EMPTY
  turn.remove(expiries, due)
  return undefined
}

/** The first mailbox whose lease ended, or that is being emptied. */
export function* dueLease(turn: MailboxTurn): Step<LeaseKey | undefined> {
  const to = u16(Math.min(Math.floor(turn.nowS / 86_400), 0xffff))
  const [first] = yield* range(leases, { owner: EMPTY, to, limit: 1 })
  return first === undefined ? undefined : readLeaseOrder(first.order)
}

/** Deals with one due lease: renewed meanwhile, over, or on its way out. */
export function* sweepLease(turn: MailboxTurn, due: LeaseKey, budget: number): Step<void> {
  const record = yield* get(mailboxes, due.mailboxId)
  const isOver = record !== undefined && (record.closing || record.leaseUntilS <= turn.nowS)
  if (!isOver) {
    turn.remove(leases, due)
    return
  }
  yield* purgeMailbox(turn, due, record, budget)
}

/** Removes up to `budget` records of a mailbox that is over; the mailbox itself last. */
function* purgeMailbox(
  turn: MailboxTurn,
  due: LeaseKey,
  record: MailboxRecord,
  budget: number,
): Step<void> {
  const { mailboxId } = due
  const query = { owner: mailboxId, limit: budget }
  // Out of use from the first step on, so that nothing comes in while it goes out.
  if (!record.closing) turn.put(mailboxes, mailboxId, { ...record, closing: true })
  turn.counters.delete(toHex(mailboxId))
  const marked = yield* range(marks, query)
  for (const { order, value } of marked) {
    turn.remove(marks, { mailboxId, envId: order })
    // Of a group also the stub, whose body is gone and whose row is not.
    turn.remove(rows, { mailboxId, seq: value.seq })
    yield* forgetCoalesced(turn, mailboxId, value)
  }
  if (marked.length > 0) return
  if (yield* dropCharges(turn, mailboxId, budget)) return
  const account = record.ring?.account
  if (account !== undefined) turn.remove(charges, { account, kind: 'group', id: mailboxId })
  const keys = yield* range(prekeys, query)
  for (const { order } of keys) {
    const kind = order[0] === 1 ? 1 : 2
    const index = readU32(order, 1)
    turn.remove(prekeys, { mailboxId, class: kind, index })
  }
  if (keys.length > 0) return
  for (const { order } of yield* range(invites, query)) {
    turn.remove(invites, { mailboxId, capId: order })
  }
  turn.remove(stocks, mailboxId)
  turn.remove(cards, mailboxId)
  turn.remove(mailboxes, mailboxId)
  turn.remove(leases, due)
}

/**
 * Drops the oldest acknowledged marks of a share until nine tenths of its number are left: a retry
 * of so old a deposit is stored again, and known by its recipient.
 */
export function* trimMarks(
  turn: MailboxTurn,
  mailboxId: Bytes16,
  crowded: Pick<MarkRecord, 'share'>,
): Step<number> {
  const record = yield* get(mailboxes, mailboxId)
  if (record === undefined || record.closing) return 0
  const counters = yield* countersOf(turn, mailboxId, record)
  const own: (MarkRecord & { readonly envId: Uint8Array })[] = []
  let from: Uint8Array | undefined
  do {
    const page: readonly { readonly order: Uint8Array; readonly value: MarkRecord }[] =
      yield* range(marks, {
        owner: mailboxId,
        ...(from === undefined ? {} : { from }),
        limit: SCAN_PAGE,
      })
    for (const { order, value } of page) {
      const isOwn = equalBytes(value.share ?? EMPTY, crowded.share ?? EMPTY)
      if (isOwn && !value.held) own.push({ ...value, envId: order })
    }
    const last = page[page.length - 1]
    from = last !== undefined && page.length === SCAN_PAGE ? behind(last.order) : undefined
  } while (from !== undefined)
  own.sort((a, b) => a.seq - b.seq)
  const excess = Math.max(0, own.length - Math.floor(turn.limits.ackedMarks * 0.9))
  for (const mark of own.slice(0, excess)) {
    turn.remove(marks, { mailboxId, envId: mark.envId })
    counters.remove(mark)
  }
  return excess
}
