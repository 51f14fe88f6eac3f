// What a relay keeps of a mailbox: the records and their bytes (SPEC.md §14.1).
import {
  type Bytes8,
  type Bytes16,
  type Bytes32,
  type CborValue,
  EMPTY,
  FieldReader,
  decodeCbor,
  encodeCbor,
  malformed,
} from '../../crypto/index.ts'
import type { MailboxType } from '../relay/ops-session.ts'

const RECORD_MAX_BYTES = 131_072
const UINT32_MAX = 0xffffffff

function read(bytes: Uint8Array, what: string): FieldReader {
  return new FieldReader(decodeCbor(bytes, RECORD_MAX_BYTES), what)
}

/** What a group's mailbox keeps of its queue. */
export interface RingState {
  /** Over all ids ever taken: 32 bytes. */
  readonly chain: Bytes32
  /** Rows up to here are gone; all behind are there, as rows or stubs. */
  readonly trimmedUpTo: number
  /** The chain at trimmedUpTo: who begins there goes on from it. */
  readonly trimChain: Bytes32
  /** The device mailbox whose ticket opened it. */
  readonly account: Bytes16 | undefined
}

export interface MailboxRecord {
  readonly type: MailboxType
  readonly ownerKey: Bytes32
  /** undefined for type 3. */
  readonly secret: Bytes32 | undefined
  readonly gen: number
  readonly ttlS: number
  readonly leaseUntilS: number
  readonly awayDays: number
  /** Random at creation; what is shown is its hash with the store's epoch. */
  readonly incarnation: Bytes8
  /** Sequence numbers up to here may have been given; in a group's mailbox: were given. */
  readonly seqHigh: number
  /** Revoked capability ids, 8 bytes each. */
  readonly revoked: Uint8Array
  /** Closed or lapsed: takes nothing more and is being emptied. */
  readonly closing: boolean
  /** A group's mailbox has one, the others have none. */
  readonly ring?: RingState
}

function encodeRing(ring: RingState | undefined): CborValue[] {
  if (ring === undefined) return []
  return [[ring.chain, ring.trimmedUpTo, ring.trimChain, ring.account ?? EMPTY]]
}

function decodeRing(fields: FieldReader): { readonly ring?: RingState } {
  if (fields.left === 0) return {}
  const ring = fields.nested('ring')
  return {
    ring: {
      chain: ring.bytes('chain', 32),
      trimmedUpTo: ring.uint('trimmedUpTo'),
      trimChain: ring.bytes('trimChain', 32),
      account: ring.optional('account', 16),
    },
  }
}

export function encodeMailbox(record: MailboxRecord): Uint8Array {
  return encodeCbor([
    record.type,
    record.ownerKey,
    record.secret ?? EMPTY,
    record.gen,
    record.ttlS,
    record.leaseUntilS,
    record.awayDays,
    record.incarnation,
    record.seqHigh,
    record.revoked,
    record.closing ? 1 : 0,
    ...encodeRing(record.ring),
  ])
}

export function decodeMailbox(bytes: Uint8Array): MailboxRecord {
  const fields = read(bytes, 'mailbox record')
  const type = fields.uint('type', 3)
  if (type !== 1 && type !== 2 && type !== 3) malformed(`mailbox record: type ${type}`)
  return {
    type,
    ownerKey: fields.bytes('ownerKey', 32),
    secret: fields.optional('secret', 32),
    gen: fields.uint('gen', UINT32_MAX),
    ttlS: fields.uint('ttl', UINT32_MAX),
    leaseUntilS: fields.uint('lease'),
    awayDays: fields.uint('awayDays', 0xffff),
    incarnation: fields.bytes('incarnation', 8),
    seqHigh: fields.uint('seqHigh'),
    revoked: fields.bytes('revoked', 0, RECORD_MAX_BYTES),
    closing: fields.flag('closing'),
    ...decodeRing(fields),
  }
}

/** One deposited envelope. */
export interface RowRecord {
  readonly lane: number
  readonly capId: Bytes8 | undefined
  readonly storedAtS: number
  readonly expiresS: number
  readonly envId: Bytes32
  /** Empty: a stub of a group's row that its writer replaced. */
  readonly env: Uint8Array
  /** In a group's mailbox. */
  readonly ring?: {
    readonly holdUntilS: number
    /** Of the chain at this row. */
    readonly chain: Bytes8
  }
}

export function encodeRow(row: RowRecord): Uint8Array {
  const { lane, capId, storedAtS, expiresS, envId, env, ring } = row
  const more = ring === undefined ? [] : [ring.holdUntilS, ring.chain]
  return encodeCbor([lane, capId ?? EMPTY, storedAtS, expiresS, envId, env, ...more])
}

export function decodeRow(bytes: Uint8Array): RowRecord {
  const fields = read(bytes, 'row')
  const row = {
    lane: fields.uint('lane', 255),
    capId: fields.optional('capId', 8),
    storedAtS: fields.uint('storedAt'),
    expiresS: fields.uint('expires'),
    envId: fields.bytes('envId', 32),
    env: fields.bytes('env', 0, RECORD_MAX_BYTES),
  }
  if (fields.left === 0) return row
  return { ...row, ring: { holdUntilS: fields.uint('holdUntil'), chain: fields.bytes('chain', 8) } }
}

/** What is remembered of a deposit until it expires, also when the row is gone. */
export interface MarkRecord {
  readonly seq: number
  readonly lane: number
  /** Whose share it counts in: the capability, or the first 8 bytes of an invite's claim. */
  readonly share: Bytes8 | undefined
  readonly expiresS: number
  readonly holdUntilS: number
  /** The body is still there; otherwise it was acknowledged, or replaced by its depositor. */
  readonly held: boolean
  readonly envHash: Bytes32
  /** What it counts as: counters are rebuilt from marks, bodies are not read for it. */
  readonly sizeBytes: number
  /** In a group's mailbox: the chain at its row. */
  readonly chain?: Bytes8
  /** Under which its depositor may replace it. */
  readonly coalesce?: Bytes16
}

/** Most marks have neither: nothing is written for them. */
function encodeMarkTail({ chain, coalesce }: MarkRecord): CborValue[] {
  return chain === undefined && coalesce === undefined ? [] : [chain ?? EMPTY, coalesce ?? EMPTY]
}

export function encodeMark(mark: MarkRecord): Uint8Array {
  return encodeCbor([
    mark.seq,
    mark.lane,
    mark.share ?? EMPTY,
    mark.expiresS,
    mark.holdUntilS,
    mark.held ? 1 : 0,
    mark.envHash,
    mark.sizeBytes,
    ...encodeMarkTail(mark),
  ])
}

export function decodeMark(bytes: Uint8Array): MarkRecord {
  const fields = read(bytes, 'mark')
  const mark = {
    seq: fields.uint('seq'),
    lane: fields.uint('lane', 255),
    share: fields.optional('share', 8),
    expiresS: fields.uint('expires'),
    holdUntilS: fields.uint('holdUntil'),
    held: fields.flag('held'),
    envHash: fields.bytes('envHash', 32),
    sizeBytes: fields.uint('size', UINT32_MAX),
  }
  if (fields.left === 0) return mark
  const chain = fields.optional('chain', 8)
  const coalesce = fields.optional('coalesce', 16)
  return {
    ...mark,
    ...(chain === undefined ? {} : { chain }),
    ...(coalesce === undefined ? {} : { coalesce }),
  }
}

export interface CardRecord {
  readonly version: number
  readonly item: Uint8Array
}

export function encodeCardRecord(card: CardRecord): Uint8Array {
  return encodeCbor([card.version, card.item])
}

export function decodeCardRecord(bytes: Uint8Array): CardRecord {
  const fields = read(bytes, 'card record')
  return { version: fields.uint('version'), item: fields.bytes('item', 0, RECORD_MAX_BYTES) }
}

/** One-time items of both classes are numbered; those from `first` to `next` - 1 are left. */
export interface StockRecord {
  readonly opk: { readonly first: number; readonly next: number }
  readonly okem: { readonly first: number; readonly next: number }
}

export const EMPTY_STOCK: StockRecord = {
  opk: { first: 0, next: 0 },
  okem: { first: 0, next: 0 },
}

export function encodeStock(stock: StockRecord): Uint8Array {
  return encodeCbor([stock.opk.first, stock.opk.next, stock.okem.first, stock.okem.next])
}

export function decodeStock(bytes: Uint8Array): StockRecord {
  const fields = read(bytes, 'stock')
  const line = (): { first: number; next: number } => ({
    first: fields.uint('first', UINT32_MAX),
    next: fields.uint('next', UINT32_MAX),
  })
  return { opk: line(), okem: line() }
}

export interface InviteRecord {
  readonly capKey: Bytes32
  readonly expiresS: number
  readonly uses: number
  readonly claims: readonly Bytes16[]
}

export function encodeInvite(invite: InviteRecord): Uint8Array {
  return encodeCbor([invite.capKey, invite.expiresS, invite.uses, invite.claims])
}

export function decodeInvite(bytes: Uint8Array): InviteRecord {
  const fields = read(bytes, 'invite')
  const head = {
    capKey: fields.bytes('capKey', 32),
    expiresS: fields.uint('expires', UINT32_MAX),
    uses: fields.uint('uses', 0xffff),
  }
  const values = fields.array('claims', 0, 0xffff)
  const claims = new FieldReader(values, 'invite.claims')
  return { ...head, claims: values.map(() => claims.bytes('claim', 16)) }
}
