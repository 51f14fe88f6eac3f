// Operations on what others need to reach an owner: cards, one-time prekeys, invites
// (SPEC.md §12.2). The items are opaque: encrypted by the owner for holders of the address.
import {
  type Bytes8,
  type Bytes16,
  type Bytes32,
  type CborValue,
  EMPTY,
  FieldReader,
  malformed,
} from '../../crypto/index.ts'
import { type DepositAuth, decodeDepositAuth, encodeDepositAuth } from './deposit-auth.ts'
import { CARD_ITEM_MAX_BYTES, PREKEYS_PER_PUT_MAX, PREKEY_ITEM_MAX_BYTES } from './limits.ts'
import { type Done, type OpCodec, decodeDone, encodeDone } from './op-codec.ts'
import type { MailboxRequest } from './ops-session.ts'

const UINT32_MAX = 0xffffffff

export interface CardPutRequest {
  readonly mailboxId: Bytes16
  readonly version: number
  readonly item: Uint8Array
}

export interface CardPutReply {
  readonly version: number
}

export const cardPut: OpCodec<CardPutRequest, CardPutReply> = {
  code: 13,
  encode: (request) => [request.mailboxId, request.version, request.item],
  decode: (fields) => ({
    mailboxId: fields.bytes('mailboxId', 16),
    version: fields.uint('version'),
    item: fields.bytes('item', 1, CARD_ITEM_MAX_BYTES),
  }),
  encodeReply: (reply) => [0, reply.version],
  decodeReply: (fields) => ({ version: fields.uint('version') }),
}

export interface CardGetReply {
  readonly version: number
  readonly item: Uint8Array
}

export const cardGet: OpCodec<MailboxRequest, CardGetReply> = {
  code: 14,
  encode: (request) => [request.mailboxId],
  decode: (fields) => ({ mailboxId: fields.bytes('mailboxId', 16) }),
  encodeReply: (reply) => [0, reply.version, reply.item],
  decodeReply: (fields) => ({
    version: fields.uint('version'),
    item: fields.bytes('item', 0, CARD_ITEM_MAX_BYTES),
  }),
}

/** 1 OPK (X25519), 2 OKEM (ML-KEM-768). */
export type PrekeyClass = 1 | 2

export interface PrekeyItem {
  readonly class: PrekeyClass
  readonly item: Uint8Array
}

export interface PrekeyPutRequest {
  readonly mailboxId: Bytes16
  /** Drops all one-time items first. */
  readonly replace: boolean
  readonly items: readonly PrekeyItem[]
}

/** How many one-time items of each class are left. */
export interface PrekeyCounts {
  readonly opk: number
  readonly okem: number
}

function decodePrekey(value: CborValue): PrekeyItem {
  const fields = new FieldReader(value, 'prekey')
  const kind = fields.uint('class', 255)
  if (kind !== 1 && kind !== 2) malformed(`prekey: class ${kind}`)
  return { class: kind, item: fields.bytes('item', 1, PREKEY_ITEM_MAX_BYTES) }
}

const encodeCounts = (counts: PrekeyCounts): readonly CborValue[] => [0, [counts.opk, counts.okem]]

function decodeCounts(fields: FieldReader): PrekeyCounts {
  const counts = fields.nested('counts')
  return { opk: counts.uint('opk', UINT32_MAX), okem: counts.uint('okem', UINT32_MAX) }
}

export const prekeyPut: OpCodec<PrekeyPutRequest, PrekeyCounts> = {
  code: 15,
  encode: (request) => [
    request.mailboxId,
    request.replace ? 1 : 0,
    request.items.map((item) => [item.class, item.item]),
  ],
  decode: (fields) => ({
    mailboxId: fields.bytes('mailboxId', 16),
    replace: fields.flag('replace'),
    items: fields.array('items', 1, PREKEYS_PER_PUT_MAX).map(decodePrekey),
  }),
  encodeReply: encodeCounts,
  decodeReply: decodeCounts,
}

export const prekeyCount: OpCodec<MailboxRequest, PrekeyCounts> = {
  code: 16,
  encode: (request) => [request.mailboxId],
  decode: (fields) => ({ mailboxId: fields.bytes('mailboxId', 16) }),
  encodeReply: encodeCounts,
  decodeReply: decodeCounts,
}

export interface PrekeyTakeRequest {
  readonly mailboxId: Bytes16
  readonly lane: number
  readonly auth: DepositAuth
  /** Bit 0 card, bit 1 OPK, bit 2 OKEM. */
  readonly classes: number
}

export interface PrekeyTakeReply {
  readonly card: Uint8Array | undefined
  readonly opk: Uint8Array | undefined
  readonly okem: Uint8Array | undefined
}

function orAbsent(bytes: Uint8Array): Uint8Array | undefined {
  return bytes.length === 0 ? undefined : bytes
}

export const prekeyTake: OpCodec<PrekeyTakeRequest, PrekeyTakeReply> = {
  code: 17,
  encode: (request) => [
    request.mailboxId,
    request.lane,
    encodeDepositAuth(request.auth),
    request.classes,
  ],
  decode: (fields) => ({
    mailboxId: fields.bytes('mailboxId', 16),
    lane: fields.uint('lane', 255),
    auth: decodeDepositAuth(fields.nested('auth')),
    classes: fields.uint('classes', 255),
  }),
  encodeReply: (reply) => [0, reply.card ?? EMPTY, reply.opk ?? EMPTY, reply.okem ?? EMPTY],
  decodeReply: (fields) => ({
    card: orAbsent(fields.bytes('card', 0, CARD_ITEM_MAX_BYTES)),
    opk: orAbsent(fields.bytes('opk', 0, PREKEY_ITEM_MAX_BYTES)),
    okem: orAbsent(fields.bytes('okem', 0, PREKEY_ITEM_MAX_BYTES)),
  }),
}

export interface InvitePutRequest {
  readonly mailboxId: Bytes16
  readonly capId: Bytes8
  readonly capKey: Bytes32
  /** Unix seconds. */
  readonly expiresS: number
  readonly uses: number
}

export interface InvitePutReply {
  /** Uses less claims. */
  readonly left: number
}

export const invitePut: OpCodec<InvitePutRequest, InvitePutReply> = {
  code: 27,
  encode: (request) => [
    request.mailboxId,
    request.capId,
    request.capKey,
    request.expiresS,
    request.uses,
  ],
  decode: (fields) => ({
    mailboxId: fields.bytes('mailboxId', 16),
    capId: fields.bytes('capId', 8),
    capKey: fields.bytes('capKey', 32),
    expiresS: fields.uint('expAt', UINT32_MAX),
    uses: fields.uint('uses', 0xffff),
  }),
  encodeReply: (reply) => [0, reply.left],
  decodeReply: (fields) => ({ left: fields.uint('left', 0xffff) }),
}

export interface InviteDeleteRequest {
  readonly mailboxId: Bytes16
  readonly capId: Bytes8
}

export const inviteDelete: OpCodec<InviteDeleteRequest, Done> = {
  code: 28,
  encode: (request) => [request.mailboxId, request.capId],
  decode: (fields) => ({
    mailboxId: fields.bytes('mailboxId', 16),
    capId: fields.bytes('capId', 8),
  }),
  encodeReply: encodeDone,
  decodeReply: decodeDone,
}
