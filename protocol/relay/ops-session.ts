// Operations about the stream and the mailbox as a whole: HELLO, DESC, AUTH, OPEN, CLOSE, PING
// (SPEC.md §12.2). Arrays in the order of the fields; readers ignore what is appended.
import {
  type Bytes8,
  type Bytes16,
  type Bytes32,
  type Bytes64,
  type CborValue,
  EMPTY,
  FieldReader,
  malformed,
} from '../../crypto/index.ts'
import { AUTH_MAX, DESCRIPTOR_MAX_BYTES, PING_MAX_BYTES, TICKET_MAX_BYTES } from './limits.ts'
import { type RelayFailure, decodeFailure, encodeFailure } from './failure.ts'
import { type Done, type OpCodec, decodeDone, encodeDone } from './op-codec.ts'

const UINT32_MAX = 0xffffffff

/** 1 device, 2 group, 3 rendezvous (SPEC.md §12.4). */
export type MailboxType = 1 | 2 | 3

function readType(fields: FieldReader): MailboxType {
  const type = fields.uint('type', 255)
  if (type !== 1 && type !== 2 && type !== 3) malformed(`mailbox type ${type}`)
  return type
}

export interface HelloRequest {
  readonly minor: number
  /** Bit 0 forward, 1 blobs, 2 wake, 3 groups, 4 prekeys. */
  readonly features: number
}

export interface HelloReply extends HelloRequest {
  readonly nonce: Bytes32
  readonly serviceKey: Bytes32
  readonly descriptorSeq: number
  /** The relay's clock, Unix ms. */
  readonly timeMs: number
  readonly depositBits: number
  readonly openBits: number
  readonly inflightOps: number
  readonly inflightBytes: number
  readonly opsPerSecond: number
}

export const hello: OpCodec<HelloRequest, HelloReply> = {
  code: 1,
  encode: (request) => [request.minor, request.features],
  decode: (fields) => ({ minor: fields.uint('minor'), features: fields.uint('features') }),
  encodeReply: (reply) => [
    0,
    reply.minor,
    reply.features,
    reply.nonce,
    reply.serviceKey,
    reply.descriptorSeq,
    reply.timeMs,
    [reply.depositBits, reply.openBits],
    [reply.inflightOps, reply.inflightBytes, reply.opsPerSecond],
  ],
  decodeReply: (fields) => {
    const head = {
      minor: fields.uint('minor'),
      features: fields.uint('features'),
      nonce: fields.bytes('nonce', 32),
      serviceKey: fields.bytes('serviceKey', 32),
      descriptorSeq: fields.uint('descriptorSeq'),
      timeMs: fields.uint('timeMs'),
    }
    const bits = fields.nested('bits')
    const flow = fields.nested('flow')
    return {
      ...head,
      depositBits: bits.uint('depositBits', 255),
      openBits: bits.uint('openBits', 255),
      inflightOps: flow.uint('inflightOps', UINT32_MAX),
      inflightBytes: flow.uint('inflightBytes', UINT32_MAX),
      opsPerSecond: flow.uint('opsPerSecond', UINT32_MAX),
    }
  },
}

export interface DescRequest {
  /** Sequence number of the descriptor held; 0: none. */
  readonly haveSeq: number
}

export interface DescReply {
  /** The signed descriptor as received; undefined where the held one is current. */
  readonly descriptor: Uint8Array | undefined
}

export const desc: OpCodec<DescRequest, DescReply> = {
  code: 2,
  encode: (request) => [request.haveSeq],
  decode: (fields) => ({ haveSeq: fields.uint('haveSeq') }),
  encodeReply: (reply) => [0, reply.descriptor ?? EMPTY],
  decodeReply: (fields) => {
    const descriptor = fields.bytes('descriptor', 0, DESCRIPTOR_MAX_BYTES)
    return { descriptor: descriptor.length === 0 ? undefined : descriptor }
  },
}

export interface AuthProof {
  readonly type: MailboxType
  readonly ownerKey: Bytes32
  /** H(secret) of a group mailbox; undefined otherwise. */
  readonly bind: Bytes32 | undefined
  readonly signature: Bytes64
}

export interface AuthGranted {
  readonly kind: 'granted'
  readonly mailboxId: Bytes16
  readonly incarnation: Bytes8
  /** Unix seconds. */
  readonly leaseUntilS: number
}

export interface AuthRequest {
  readonly proofs: readonly AuthProof[]
}

export interface AuthReply {
  /** One per proof, in order. */
  readonly results: readonly (AuthGranted | RelayFailure)[]
}

function decodeProof(value: CborValue): AuthProof {
  const fields = new FieldReader(value, 'auth')
  return {
    type: readType(fields),
    ownerKey: fields.bytes('ownerPub', 32),
    bind: fields.optional('bind', 32),
    signature: fields.bytes('sig', 64),
  }
}

function decodeGrant(value: CborValue): AuthGranted | RelayFailure {
  const fields = new FieldReader(value, 'auth reply')
  const status = fields.uint('status', 255)
  if (status >= 16) return decodeFailure(status, fields)
  return {
    kind: 'granted',
    mailboxId: fields.bytes('mailboxId', 16),
    incarnation: fields.bytes('incarnation', 8),
    leaseUntilS: fields.uint('leaseUntil'),
  }
}

export const auth: OpCodec<AuthRequest, AuthReply> = {
  code: 3,
  encode: ({ proofs }) => [
    proofs.map((proof) => [proof.type, proof.ownerKey, proof.bind ?? EMPTY, proof.signature]),
  ],
  decode: (fields) => ({ proofs: fields.array('proofs', 1, AUTH_MAX).map(decodeProof) }),
  encodeReply: ({ results }) => [
    0,
    results.map((result) =>
      result.kind === 'failed'
        ? encodeFailure(result)
        : [0, result.mailboxId, result.incarnation, result.leaseUntilS],
    ),
  ],
  decodeReply: (fields) => ({ results: fields.array('results', 1, AUTH_MAX).map(decodeGrant) }),
}

/** What entitles to a new mailbox where openBits is not 0. */
export type OpenGrant =
  | { readonly kind: 'none' }
  | { readonly kind: 'work'; readonly hour: number; readonly nonce: Bytes8 }
  | { readonly kind: 'ticket'; readonly ticket: Uint8Array }

export interface OpenRequest {
  readonly type: MailboxType
  readonly ownerKey: Bytes32
  readonly signature: Bytes64
  /** undefined for type 3. */
  readonly secret: Bytes32 | undefined
  readonly gen: number
  readonly grant: OpenGrant
  /** Longest life wanted for rows, in seconds. */
  readonly ttlS: number
  /** Days the lease is to outlive an absence. */
  readonly awayDays: number
}

export interface OpenReply {
  readonly mailboxId: Bytes16
  readonly incarnation: Bytes8
  readonly leaseUntilS: number
  readonly ttlS: number
}

function encodeGrant(grant: OpenGrant): CborValue {
  switch (grant.kind) {
    case 'none':
      return []
    case 'work':
      return [1, grant.hour, grant.nonce]
    case 'ticket':
      return [2, grant.ticket]
  }
}

function decodeOpenGrant(fields: FieldReader): OpenGrant {
  if (fields.left === 0) return { kind: 'none' }
  const kind = fields.uint('kind', 255)
  if (kind === 1) {
    return { kind: 'work', hour: fields.uint('hour', UINT32_MAX), nonce: fields.bytes('nonce', 8) }
  }
  if (kind === 2) return { kind: 'ticket', ticket: fields.bytes('ticket', 1, TICKET_MAX_BYTES) }
  return malformed(`grant: kind ${kind}`)
}

export const open: OpCodec<OpenRequest, OpenReply> = {
  code: 4,
  encode: (request) => [
    request.type,
    request.ownerKey,
    request.signature,
    request.secret ?? EMPTY,
    request.gen,
    encodeGrant(request.grant),
    request.ttlS,
    request.awayDays,
  ],
  decode: (fields) => ({
    type: readType(fields),
    ownerKey: fields.bytes('ownerPub', 32),
    signature: fields.bytes('sig', 64),
    secret: fields.optional('secret', 32),
    gen: fields.uint('gen', UINT32_MAX),
    grant: decodeOpenGrant(fields.nested('grant')),
    ttlS: fields.uint('ttl', UINT32_MAX),
    awayDays: fields.uint('awayDays', 0xffff),
  }),
  encodeReply: (reply) => [0, reply.mailboxId, reply.incarnation, reply.leaseUntilS, reply.ttlS],
  decodeReply: (fields) => ({
    mailboxId: fields.bytes('mailboxId', 16),
    incarnation: fields.bytes('incarnation', 8),
    leaseUntilS: fields.uint('leaseUntil'),
    ttlS: fields.uint('ttl', UINT32_MAX),
  }),
}

export interface MailboxRequest {
  readonly mailboxId: Bytes16
}

export const close: OpCodec<MailboxRequest, Done> = {
  code: 5,
  encode: (request) => [request.mailboxId],
  decode: (fields) => ({ mailboxId: fields.bytes('mailboxId', 16) }),
  encodeReply: encodeDone,
  decodeReply: decodeDone,
}

export interface PingExchange {
  readonly pad: Uint8Array
}

export const ping: OpCodec<PingExchange, PingExchange> = {
  code: 26,
  encode: (request) => [request.pad],
  decode: (fields) => ({ pad: fields.bytes('pad', 0, PING_MAX_BYTES) }),
  encodeReply: (reply) => [0, reply.pad],
  decodeReply: (fields) => ({ pad: fields.bytes('pad', 0, PING_MAX_BYTES) }),
}
