// Where the records of mailboxes lie: owner is the mailbox, order what sorts them (SPEC.md §14.1).
import {
  type Bytes8,
  type Bytes16,
  type Bytes32,
  EMPTY,
  concat,
  readU32,
  readU64,
  u16,
  u32,
  u64,
  u8,
} from '../../crypto/index.ts'
import type { PrekeyClass } from '../relay/ops-keys.ts'
import type { Table } from '../step.ts'
import {
  type CardRecord,
  type InviteRecord,
  type MailboxRecord,
  type MarkRecord,
  type RowRecord,
  type StockRecord,
  decodeCardRecord,
  decodeInvite,
  decodeMailbox,
  decodeMark,
  decodeRow,
  decodeStock,
  encodeCardRecord,
  encodeInvite,
  encodeMailbox,
  encodeMark,
  encodeRow,
  encodeStock,
} from './records.ts'

const SEQ_BYTES = 8

const bytesAsTheyAre = (bytes: Uint8Array): Uint8Array => bytes

export const mailboxes: Table<Bytes16, MailboxRecord> = {
  name: 'mailbox',
  sealing: 'value',
  place: (mailboxId) => ({ owner: mailboxId, order: EMPTY }),
  encode: encodeMailbox,
  decode: decodeMailbox,
}

export interface RowKey {
  readonly mailboxId: Bytes16
  readonly seq: number
}

export const rows: Table<RowKey, RowRecord> = {
  name: 'row',
  sealing: 'value',
  place: ({ mailboxId, seq }) => ({ owner: mailboxId, order: u64(seq) }),
  encode: encodeRow,
  decode: decodeRow,
}

export interface MarkKey {
  readonly mailboxId: Bytes16
  readonly envId: Bytes32
}

export const marks: Table<MarkKey, MarkRecord> = {
  name: 'mark',
  sealing: 'value',
  place: ({ mailboxId, envId }) => ({ owner: mailboxId, order: envId }),
  encode: encodeMark,
  decode: decodeMark,
}

/** A mailbox in which something expires in an hour (Unix s / 3600). */
export interface ExpiryKey {
  readonly hour: number
  readonly mailboxId: Bytes16
}

export const expiries: Table<ExpiryKey, Uint8Array> = {
  name: 'expiry',
  sealing: 'value',
  place: ({ hour, mailboxId }) => ({ owner: EMPTY, order: concat(u32(hour), mailboxId) }),
  encode: bytesAsTheyAre,
  decode: bytesAsTheyAre,
}

export function readExpiryOrder(order: Uint8Array): ExpiryKey {
  return { hour: readU32(order, 0), mailboxId: order.slice(4) }
}

/** A mailbox whose lease ends on a day (Unix s / 86400); day 0: it is being emptied. */
export interface LeaseKey {
  readonly day: number
  readonly mailboxId: Bytes16
}

export const leases: Table<LeaseKey, Uint8Array> = {
  name: 'lease',
  sealing: 'value',
  place: ({ day, mailboxId }) => ({ owner: EMPTY, order: concat(u16(day), mailboxId) }),
  encode: bytesAsTheyAre,
  decode: bytesAsTheyAre,
}

export function readLeaseOrder(order: Uint8Array): LeaseKey {
  return { day: ((order[0] ?? 0) << 8) | (order[1] ?? 0), mailboxId: order.slice(2) }
}

export interface PrekeyKey {
  readonly mailboxId: Bytes16
  readonly class: PrekeyClass
  readonly index: number
}

export const prekeys: Table<PrekeyKey, Uint8Array> = {
  name: 'prekey',
  sealing: 'value',
  place: (key) => ({ owner: key.mailboxId, order: concat(u8(key.class), u32(key.index)) }),
  encode: bytesAsTheyAre,
  decode: bytesAsTheyAre,
}

export const stocks: Table<Bytes16, StockRecord> = {
  name: 'stock',
  sealing: 'value',
  place: (mailboxId) => ({ owner: mailboxId, order: EMPTY }),
  encode: encodeStock,
  decode: decodeStock,
}

export const cards: Table<Bytes16, CardRecord> = {
  name: 'card',
  sealing: 'value',
  place: (mailboxId) => ({ owner: mailboxId, order: EMPTY }),
  encode: encodeCardRecord,
  decode: decodeCardRecord,
}

export interface InviteKey {
  readonly mailboxId: Bytes16
  readonly capId: Bytes8
}

export const invites: Table<InviteKey, InviteRecord> = {
  name: 'invite',
  sealing: 'value',
  place: ({ mailboxId, capId }) => ({ owner: mailboxId, order: capId }),
  encode: encodeInvite,
  decode: decodeInvite,
}

/** What a depositor may replace: the newest row under a key of its own. */
export interface CoalesceKey {
  readonly mailboxId: Bytes16
  /** Whose share it is. */
  readonly share: Bytes8
  readonly coalesce: Bytes16
}

export const coalesced: Table<CoalesceKey, number> = {
  name: 'coalesced',
  sealing: 'value',
  place: ({ mailboxId, share, coalesce }) => ({ owner: mailboxId, order: concat(share, coalesce) }),
  encode: u64,
  decode: (bytes) => readU64(bytes.subarray(0, SEQ_BYTES), 0),
}

/** A ticket by its bytes, which begin with the hour (Unix s / 3600) in which it ends: who pays. */
export const tickets: Table<Uint8Array, Bytes16> = {
  name: 'ticket',
  sealing: 'value',
  place: (ticket) => ({ owner: EMPTY, order: ticket }),
  encode: bytesAsTheyAre,
  decode: bytesAsTheyAre,
}

/** What a device mailbox is charged with: an unused ticket, or a group's mailbox. */
export interface ChargeKey {
  readonly account: Bytes16
  readonly kind: 'ticket' | 'group'
  /** The ticket, or the group mailbox's id. */
  readonly id: Uint8Array
}

const CHARGE_KINDS = { ticket: 1, group: 2 } as const

export const charges: Table<ChargeKey, Uint8Array> = {
  name: 'charge',
  sealing: 'value',
  place: ({ account, kind, id }) => ({ owner: account, order: concat(u8(CHARGE_KINDS[kind]), id) }),
  encode: bytesAsTheyAre,
  decode: bytesAsTheyAre,
}

export function readChargeOrder(order: Uint8Array): Omit<ChargeKey, 'account'> {
  return { kind: order[0] === CHARGE_KINDS.ticket ? 'ticket' : 'group', id: order.slice(1) }
}
