// Cards, one-time prekeys and invites of a mailbox (SPEC.md §14.6). One-time items are popped
// blindly, oldest first, in the commit that precedes the reply: a lost reply burns them.
import { type Bytes16, equalBytes, toHex } from '../../crypto/index.ts'
import { LANE_GROUP, takeMac } from '../relay/capability.ts'
import { type RelayFailure, failed } from '../relay/failure.ts'
import type {
  CardGetReply,
  CardPutRequest,
  InvitePutRequest,
  PrekeyClass,
  PrekeyCounts,
  PrekeyPutRequest,
  PrekeyTakeReply,
  PrekeyTakeRequest,
} from '../relay/ops-keys.ts'
import { type Step, get, range } from '../step.ts'
import { authorize } from './authority.ts'
import { QUOTA_RETRY_MS } from './limits.ts'
import { EMPTY_STOCK, type StockRecord } from './records.ts'
import { cards, expiries, invites, mailboxes, prekeys, stocks } from './tables.ts'
import type { MailboxTurn } from './turn.ts'

const UNKNOWN: RelayFailure = failed('unknown', { scope: 'mailbox' })
const LINES = { 1: 'opk', 2: 'okem' } as const

function countsOf(stock: StockRecord): PrekeyCounts {
  return { opk: stock.opk.next - stock.opk.first, okem: stock.okem.next - stock.okem.first }
}

/** Whether a mailbox is in use and of a type that has these keys. */
function* isInUse(mailboxId: Bytes16, deviceOnly: boolean): Step<boolean> {
  const record = yield* get(mailboxes, mailboxId)
  return record !== undefined && !record.closing && (!deviceOnly || record.type === 1)
}

/** Stores a card above the held version, or the same one again. */
export function* putCard(
  turn: MailboxTurn,
  request: CardPutRequest,
): Step<{ readonly version: number } | RelayFailure> {
  const { mailboxId, version, item } = request
  if (!(yield* isInUse(mailboxId, false))) return UNKNOWN
  const held = yield* get(cards, mailboxId)
  const isSame = held?.version === version && equalBytes(held.item, item)
  if (held !== undefined && !isSame && version <= held.version) {
    return failed('conflict', { scope: 'mailbox' })
  }
  if (!isSame) turn.put(cards, mailboxId, { version, item })
  return { version }
}

/** A card, for whoever knows the mailbox. */
export function* getCard(
  turn: MailboxTurn,
  mailboxId: Bytes16,
  source: string,
): Step<CardGetReply | RelayFailure> {
  const inUse = yield* isInUse(mailboxId, false)
  const card = yield* get(cards, mailboxId)
  if (turn.shedding) return failed('busy', { scope: 'service', retryAfterMs: QUOTA_RETRY_MS })
  const waitMs = turn.gate.take('card', toHex(mailboxId) + source)
  if (waitMs > 0) return failed('rate', { scope: 'mailbox', retryAfterMs: waitMs })
  if (!inUse || card === undefined) return failed('auth', { scope: 'capability' })
  return card
}

/** Adds one-time items behind the held ones, or in their place. */
export function* putPrekeys(
  turn: MailboxTurn,
  request: PrekeyPutRequest,
): Step<PrekeyCounts | RelayFailure> {
  const { mailboxId } = request
  if (!(yield* isInUse(mailboxId, true))) return UNKNOWN
  let stock = (yield* get(stocks, mailboxId)) ?? EMPTY_STOCK
  // All of them or none: what is written by an operation that then fails would stay.
  const isOver = ([1, 2] as const).some((kind) => {
    const line = stock[LINES[kind]]
    const held = request.replace ? 0 : line.next - line.first
    const more = request.items.filter((item) => item.class === kind).length
    return held + more > turn.limits.prekeysPerClass
  })
  if (isOver) return failed('quota', { scope: 'mailbox' })
  if (request.replace) stock = dropAll(turn, mailboxId, stock)
  for (const { class: kind, item } of request.items) {
    const name = LINES[kind]
    const line = stock[name]
    turn.put(prekeys, { mailboxId, class: kind, index: line.next }, item)
    stock = { ...stock, [name]: { ...line, next: line.next + 1 } }
  }
  turn.put(stocks, mailboxId, stock)
  return countsOf(stock)
}

function dropAll(turn: MailboxTurn, mailboxId: Bytes16, stock: StockRecord): StockRecord {
  for (const kind of [1, 2] as const) {
    const line = stock[LINES[kind]]
    for (let index = line.first; index < line.next; index++) {
      turn.remove(prekeys, { mailboxId, class: kind, index })
    }
  }
  return {
    opk: { first: stock.opk.next, next: stock.opk.next },
    okem: { first: stock.okem.next, next: stock.okem.next },
  }
}

export function* countPrekeys(mailboxId: Bytes16): Step<PrekeyCounts | RelayFailure> {
  if (!(yield* isInUse(mailboxId, true))) return UNKNOWN
  return countsOf((yield* get(stocks, mailboxId)) ?? EMPTY_STOCK)
}

/** Pops what was asked for. `subject` binds the request to its stream and place. */
export function* takePrekeys(
  turn: MailboxTurn,
  request: PrekeyTakeRequest,
  subject: Uint8Array,
  source: string,
): Step<PrekeyTakeReply | RelayFailure> {
  const { mailboxId, lane } = request
  const { serviceKey } = turn
  if (lane >= LANE_GROUP) return failed('refused', { scope: 'lane' })
  const authority = yield* authorize(turn, {
    mailboxId,
    lane,
    auth: request.auth,
    subject,
    mac: (capKey, claim) => {
      const keys = { capKey, serviceKey, ...(claim === undefined ? {} : { claim }) }
      return takeMac(turn.crypto, keys, mailboxId, subject)
    },
  })
  const card = yield* get(cards, mailboxId)
  const stock = (yield* get(stocks, mailboxId)) ?? EMPTY_STOCK
  if (authority.kind === 'failed') return authority
  const who = authority.capId === undefined ? source : toHex(authority.capId)
  const cardOnly = turn.gate.take('take', toHex(mailboxId) + who) > 0
  const kept = authority.capId === undefined ? turn.limits.prekeysKept : 0
  const pops = { turn, mailboxId, kept, stock }
  const opk = !cardOnly && (request.classes & 2) !== 0 ? yield* pop(pops, 1) : undefined
  const okem = !cardOnly && (request.classes & 4) !== 0 ? yield* pop(pops, 2) : undefined
  if (pops.stock !== stock) turn.put(stocks, mailboxId, pops.stock)
  return { card: (request.classes & 1) !== 0 ? card?.item : undefined, opk, okem }
}

interface Pops {
  readonly turn: MailboxTurn
  readonly mailboxId: Bytes16
  readonly kept: number
  stock: StockRecord
}

function* pop(pops: Pops, kind: PrekeyClass): Step<Uint8Array | undefined> {
  const name = LINES[kind]
  const line = pops.stock[name]
  if (line.next - line.first <= pops.kept) return undefined
  const key = { mailboxId: pops.mailboxId, class: kind, index: line.first }
  const item = yield* get(prekeys, key)
  pops.turn.remove(prekeys, key)
  pops.stock = { ...pops.stock, [name]: { ...line, first: line.first + 1 } }
  return item
}

/** Registers an invite, or changes end and uses of a known one; its claims stay. */
export function* putInvite(
  turn: MailboxTurn,
  request: InvitePutRequest,
): Step<{ readonly left: number } | RelayFailure> {
  const { mailboxId, capId, capKey, expiresS, uses } = request
  if (!(yield* isInUse(mailboxId, true))) return UNKNOWN
  if (uses > turn.limits.inviteUses) return failed('quota', { scope: 'mailbox' })
  const held = yield* get(invites, { mailboxId, capId })
  if (held === undefined) {
    const known = yield* range(invites, { owner: mailboxId, limit: turn.limits.invites })
    if (known.length >= turn.limits.invites) return failed('quota', { scope: 'mailbox' })
  }
  const claims = held?.claims ?? []
  turn.put(invites, { mailboxId, capId }, { capKey, expiresS, uses, claims })
  turn.put(expiries, { hour: Math.floor(expiresS / 3600), mailboxId }, new Uint8Array(0))
  return { left: Math.max(0, uses - claims.length) }
}

export function* deleteInvite(
  turn: MailboxTurn,
  mailboxId: Bytes16,
  capId: Uint8Array,
): Step<RelayFailure | undefined> {
  if (!(yield* isInUse(mailboxId, true))) return UNKNOWN
  turn.remove(invites, { mailboxId, capId })
  return undefined
}
