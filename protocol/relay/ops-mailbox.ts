// Operations on what lies in a mailbox: DEPOSIT, FETCH, SUB, CREDIT, UNSUB, ACK, CAPREVOKE
// (SPEC.md §12.2).
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
import { type RelayItem, decodeItem, encodeItem } from './item.ts'
import { ENVELOPE_MAX_BYTES, ITEMS_MAX, REVOKE_MAX } from './limits.ts'
import { type Done, type OpCodec, decodeDone, encodeDone } from './op-codec.ts'
import type { MailboxRequest } from './ops-session.ts'

const UINT32_MAX = 0xffffffff

/** Bits of a deposit's flags. */
export const FLAG_EPHEMERAL = 1
export const FLAG_URGENT = 2
export const FLAG_COALESCE = 4

export interface DepositRequest {
  readonly mailboxId: Bytes16
  readonly envId: Bytes32
  readonly lane: number
  readonly flags: number
  /** Remaining life of the envelope, in seconds. */
  readonly ttlS: number
  readonly auth: DepositAuth
  readonly coalesce: Bytes16 | undefined
  readonly env: Uint8Array
}

interface Custodied {
  readonly incarnation: Bytes8
  readonly seq: number
  /** Unix seconds. */
  readonly holdUntilS: number
  /** The group mailbox's chain; undefined at a device mailbox. */
  readonly chain: Bytes8 | undefined
  /** Which custody root of the frame covers the leaf, and the leaf's index under it. */
  readonly rootNo: number
  readonly leafIndex: number
}

export interface StoredReply extends Custodied {
  readonly kind: 'stored'
}

export interface DuplicateReply extends Custodied {
  readonly kind: 'dup'
  /** Whether the row is still held; otherwise it was acknowledged, or coalesced away. */
  readonly held: boolean
  /** H(env) of what was stored first. */
  readonly envHash: Bytes32
}

export type DepositReply = StoredReply | DuplicateReply | { readonly kind: 'accepted' }

function encodeCustodied(reply: Custodied): CborValue[] {
  return [
    reply.incarnation,
    reply.seq,
    reply.holdUntilS,
    reply.chain ?? EMPTY,
    reply.rootNo,
    reply.leafIndex,
  ]
}

function decodeCustodied(fields: FieldReader): Custodied {
  return {
    incarnation: fields.bytes('incarnation', 8),
    seq: fields.uint('seq'),
    holdUntilS: fields.uint('holdUntil'),
    chain: fields.optional('chain', 8),
    rootNo: fields.uint('rootNo', 255),
    leafIndex: fields.uint('leafIndex', 0xffff),
  }
}

export const deposit: OpCodec<DepositRequest, DepositReply> = {
  code: 6,
  encode: (request) => [
    request.mailboxId,
    request.envId,
    request.lane,
    request.flags,
    request.ttlS,
    encodeDepositAuth(request.auth),
    request.coalesce ?? EMPTY,
    request.env,
  ],
  decode: (fields) => ({
    mailboxId: fields.bytes('mailboxId', 16),
    envId: fields.bytes('envId', 32),
    lane: fields.uint('lane', 255),
    flags: fields.uint('flags', 255),
    ttlS: fields.uint('ttl', UINT32_MAX),
    auth: decodeDepositAuth(fields.nested('auth')),
    coalesce: fields.optional('coalesce', 16),
    env: fields.bytes('env', 0, ENVELOPE_MAX_BYTES),
  }),
  encodeReply: (reply) => {
    if (reply.kind === 'accepted') return [2]
    if (reply.kind === 'stored') return [0, ...encodeCustodied(reply)]
    return [1, ...encodeCustodied(reply), reply.held ? 1 : 2, reply.envHash]
  },
  decodeReply: (fields, status) => {
    if (status === 2) return { kind: 'accepted' }
    if (status === 0) return { kind: 'stored', ...decodeCustodied(fields) }
    if (status !== 1) malformed(`deposit reply: status ${status}`)
    const custodied = decodeCustodied(fields)
    const held = fields.uint('held', 255)
    if (held !== 1 && held !== 2) malformed(`deposit reply: held ${held}`)
    return { kind: 'dup', ...custodied, held: held === 1, envHash: fields.bytes('envHash', 32) }
  },
}

/** A place in a mailbox: reading goes on behind it. */
export interface Cursor {
  readonly incarnation: Bytes8
  readonly seq: number
  readonly chain: Bytes8 | undefined
}

function encodeCursor(cursor: Cursor | undefined): CborValue {
  return cursor === undefined ? [] : [cursor.incarnation, cursor.seq, cursor.chain ?? EMPTY]
}

function decodeCursor(fields: FieldReader): Cursor | undefined {
  if (fields.left === 0) return undefined
  return {
    incarnation: fields.bytes('incarnation', 8),
    seq: fields.uint('seq'),
    chain: fields.optional('chain', 8),
  }
}

function decodeIds(values: readonly CborValue[], length: number): Uint8Array[] {
  const fields = new FieldReader(values, 'ids')
  return values.map(() => fields.bytes('id', length))
}

/** Appended for group mailboxes alone: the other replies keep the bytes they had. */
function encodeTrimChain(chain: Bytes32 | undefined): readonly CborValue[] {
  return chain === undefined ? [] : [chain]
}

function decodeTrimChain(fields: FieldReader): Bytes32 | undefined {
  return fields.left === 0 ? undefined : fields.optional('trimChain', 32)
}

export interface FetchRequest {
  readonly mailboxId: Bytes16
  readonly after: Cursor | undefined
  readonly limit: number
  readonly maxBytes: number
  /** Items without their envelopes. */
  readonly idsOnly: boolean
  /** Only these; empty: all. */
  readonly envIds: readonly Bytes32[]
}

export interface FetchReply {
  readonly incarnation: Bytes8
  readonly items: readonly RelayItem[]
  readonly more: boolean
  readonly headSeq: number
  /** Everything up to here was dropped by the ring, or ended. */
  readonly trimmedUpTo: number
  /** The group mailbox's chain at the head; undefined at a device mailbox. */
  readonly chain: Bytes8 | undefined
  /** The whole chain at trimmedUpTo, for who starts there; undefined at a device mailbox. */
  readonly trimChain: Bytes32 | undefined
}

export const fetch: OpCodec<FetchRequest, FetchReply> = {
  code: 7,
  encode: (request) => [
    request.mailboxId,
    encodeCursor(request.after),
    request.limit,
    request.maxBytes,
    request.idsOnly ? 1 : 0,
    request.envIds,
  ],
  decode: (fields) => ({
    mailboxId: fields.bytes('mailboxId', 16),
    after: decodeCursor(fields.nested('after')),
    limit: fields.uint('limit', ITEMS_MAX),
    maxBytes: fields.uint('maxBytes', UINT32_MAX),
    idsOnly: fields.flag('mode'),
    envIds: decodeIds(fields.array('envIds', 0, ITEMS_MAX), 32),
  }),
  encodeReply: (reply) => [
    0,
    reply.incarnation,
    reply.items.map(encodeItem),
    reply.more ? 1 : 0,
    reply.headSeq,
    reply.trimmedUpTo,
    reply.chain ?? EMPTY,
    ...encodeTrimChain(reply.trimChain),
  ],
  decodeReply: (fields) => ({
    incarnation: fields.bytes('incarnation', 8),
    items: fields.array('items', 0, ITEMS_MAX).map(decodeItem),
    more: fields.flag('more'),
    headSeq: fields.uint('headSeq'),
    trimmedUpTo: fields.uint('trimmedUpTo'),
    chain: fields.optional('chain', 8),
    trimChain: decodeTrimChain(fields),
  }),
}

export interface SubRequest {
  readonly mailboxId: Bytes16
  readonly after: Cursor | undefined
  /** First credit: items and bytes. */
  readonly messages: number
  readonly bytes: number
}

export interface SubReply {
  readonly incarnation: Bytes8
  readonly headSeq: number
  readonly trimmedUpTo: number
  /** The whole chain at trimmedUpTo; undefined at a device mailbox. */
  readonly trimChain: Bytes32 | undefined
}

export const sub: OpCodec<SubRequest, SubReply> = {
  code: 8,
  encode: (request) => [
    request.mailboxId,
    encodeCursor(request.after),
    request.messages,
    request.bytes,
  ],
  decode: (fields) => ({
    mailboxId: fields.bytes('mailboxId', 16),
    after: decodeCursor(fields.nested('after')),
    messages: fields.uint('msgs', 0xffff),
    bytes: fields.uint('bytes', UINT32_MAX),
  }),
  encodeReply: (reply) => [
    0,
    reply.incarnation,
    reply.headSeq,
    reply.trimmedUpTo,
    ...encodeTrimChain(reply.trimChain),
  ],
  decodeReply: (fields) => ({
    incarnation: fields.bytes('incarnation', 8),
    headSeq: fields.uint('headSeq'),
    trimmedUpTo: fields.uint('trimmedUpTo'),
    trimChain: decodeTrimChain(fields),
  }),
}

export interface CreditRequest {
  readonly mailboxId: Bytes16
  readonly messages: number
  readonly bytes: number
}

export const credit: OpCodec<CreditRequest, Done> = {
  code: 9,
  encode: (request) => [request.mailboxId, request.messages, request.bytes],
  decode: (fields) => ({
    mailboxId: fields.bytes('mailboxId', 16),
    messages: fields.uint('msgs', 0xffff),
    bytes: fields.uint('bytes', UINT32_MAX),
  }),
  encodeReply: encodeDone,
  decodeReply: decodeDone,
}

export const unsub: OpCodec<MailboxRequest, Done> = {
  code: 10,
  encode: (request) => [request.mailboxId],
  decode: (fields) => ({ mailboxId: fields.bytes('mailboxId', 16) }),
  encodeReply: encodeDone,
  decodeReply: decodeDone,
}

export interface AckRequest {
  readonly mailboxId: Bytes16
  readonly envIds: readonly Bytes32[]
}

export interface CountReply {
  readonly count: number
}

export const ack: OpCodec<AckRequest, CountReply> = {
  code: 11,
  encode: (request) => [request.mailboxId, request.envIds],
  decode: (fields) => ({
    mailboxId: fields.bytes('mailboxId', 16),
    envIds: decodeIds(fields.array('envIds', 1, ITEMS_MAX), 32),
  }),
  encodeReply: (reply) => [0, reply.count],
  decodeReply: (fields) => ({ count: fields.uint('count') }),
}

export interface RevokeRequest {
  readonly mailboxId: Bytes16
  readonly capIds: readonly Bytes8[]
}

export const revoke: OpCodec<RevokeRequest, Done> = {
  code: 12,
  encode: (request) => [request.mailboxId, request.capIds],
  decode: (fields) => ({
    mailboxId: fields.bytes('mailboxId', 16),
    capIds: decodeIds(fields.array('capIds', 1, REVOKE_MAX), 8),
  }),
  encodeReply: encodeDone,
  decodeReply: decodeDone,
}
