// Frames of /sotto/relay/1 (SPEC.md §12.1): request [0, reqId, [op]], reply [1, reqId,
// custody | [], [reply]], push [2, [push]]. Strict but for what is appended to ops, replies,
// pushes and items.
import {
  type Bytes8,
  type Bytes16,
  type Bytes32,
  type Bytes64,
  type CborValue,
  CryptoError,
  EMPTY,
  FieldReader,
  decodeCbor,
  encodeCbor,
  malformed,
} from '../../crypto/index.ts'
import { encodeFailure, failed } from './failure.ts'
import { type RelayItem, decodeItem, encodeItem } from './item.ts'
import {
  CUSTODY_LEAVES_MAX,
  CUSTODY_NODES_MAX,
  CUSTODY_ROOTS_MAX,
  ENVELOPE_MAX_BYTES,
  FRAME_OPS_MAX,
  FRAME_PUSHES_MAX,
  ITEMS_MAX,
  RELAY_FRAME_MAX_BYTES,
} from './limits.ts'
import { type RelayOp, type UnknownOp, decodeOp, encodeOp } from './ops.ts'

const UINT32_MAX = 0xffffffff

export interface RequestFrame {
  readonly requestId: number
  /** 1 to 64. */
  readonly ops: readonly (RelayOp | UnknownOp)[]
}

export function encodeRequest(requestId: number, ops: readonly RelayOp[]): Uint8Array<ArrayBuffer> {
  return encodeCbor([0, requestId, ops.map(encodeOp)])
}

export function decodeRequest(frame: Uint8Array): RequestFrame {
  const fields = new FieldReader(decodeCbor(frame, RELAY_FRAME_MAX_BYTES), 'request')
  if (fields.uint('frame', 255) !== 0) malformed('request: another kind of frame')
  const requestId = fields.uint('reqId', UINT32_MAX)
  const ops = fields.array('ops', 1, FRAME_OPS_MAX).map(decodeOp)
  fields.end()
  return { requestId, ops }
}

/** The request id of a frame whose operations cannot be read; 0 where it cannot be read either. */
export function peekRequestId(frame: Uint8Array): number {
  try {
    const fields = new FieldReader(decodeCbor(frame, RELAY_FRAME_MAX_BYTES), 'request')
    return fields.uint('frame', 0) + fields.uint('reqId', UINT32_MAX)
  } catch (error) {
    if (error instanceof CryptoError) return 0
    throw error
  }
}

/** One signed root of a reply frame and the nodes that lead the frame's leaves to it. */
export interface CustodyRoot {
  /** Unix ms. */
  readonly flushedAtMs: number
  readonly leafCount: number
  readonly signature: Bytes64
  /** In the order in which root(0, leafCount) asks for them (SPEC.md §13.1). */
  readonly nodes: readonly Bytes32[]
}

export interface ReplyFrame {
  readonly requestId: number
  readonly custody: readonly CustodyRoot[]
  /** One per operation, in order; read with {@link decodeReply} of the operation asked. */
  readonly replies: readonly CborValue[]
}

export function encodeReplyFrame(frame: ReplyFrame): Uint8Array<ArrayBuffer> {
  const custody = frame.custody.map((root) => [
    root.flushedAtMs,
    root.leafCount,
    root.signature,
    root.nodes,
  ])
  return encodeCbor([1, frame.requestId, custody, frame.replies])
}

/** The reply to a frame that cannot be decoded: one `malformed`, then the stream closes. */
export function encodeMalformedReply(requestId: number): Uint8Array<ArrayBuffer> {
  const replies = [encodeFailure(failed('malformed', { scope: 'connection' }))]
  return encodeReplyFrame({ requestId, custody: [], replies })
}

function decodeRoot(value: CborValue): CustodyRoot {
  const fields = new FieldReader(value, 'custody')
  const flushedAtMs = fields.uint('flushedAtMs')
  const leafCount = fields.uint('leafCount', CUSTODY_LEAVES_MAX)
  const signature = fields.bytes('sig', 64)
  const values = fields.array('nodes', 0, CUSTODY_NODES_MAX)
  fields.end()
  if (leafCount === 0) malformed('custody: no leaves')
  const nodes = new FieldReader(values, 'custody.nodes')
  return { flushedAtMs, leafCount, signature, nodes: values.map(() => nodes.bytes('node', 32)) }
}

export type RelayPush =
  | { readonly kind: 'items'; readonly mailboxId: Bytes16; readonly items: readonly RelayItem[] }
  | {
      readonly kind: 'drained'
      readonly mailboxId: Bytes16
      readonly incarnation: Bytes8
      readonly headSeq: number
      readonly chain: Bytes8 | undefined
    }
  /** 0 displaced by a newer SUB, 1 closed, 2 re-created, 3 no credit for too long. */
  | { readonly kind: 'end'; readonly mailboxId: Bytes16; readonly reason: number }
  | { readonly kind: 'goaway'; readonly graceMs: number }
  | { readonly kind: 'room'; readonly mailboxId: Bytes16 }
  | { readonly kind: 'ephemeral'; readonly mailboxId: Bytes16; readonly env: Uint8Array }

function encodePush(push: RelayPush): CborValue {
  switch (push.kind) {
    case 'items':
      return [1, push.mailboxId, push.items.map(encodeItem)]
    case 'drained':
      return [2, push.mailboxId, push.incarnation, push.headSeq, push.chain ?? EMPTY]
    case 'end':
      return [3, push.mailboxId, push.reason]
    case 'goaway':
      return [4, push.graceMs]
    case 'room':
      return [5, push.mailboxId]
    case 'ephemeral':
      return [6, push.mailboxId, push.env]
  }
}

function decodePush(value: CborValue): RelayPush | undefined {
  const fields = new FieldReader(value, 'push')
  const code = fields.uint('code', 0xffff)
  if (code === 4) return { kind: 'goaway', graceMs: fields.uint('graceMs', UINT32_MAX) }
  if (code < 1 || code > 6) return undefined
  const mailboxId = fields.bytes('mailboxId', 16)
  if (code === 1) {
    return { kind: 'items', mailboxId, items: fields.array('items', 1, ITEMS_MAX).map(decodeItem) }
  }
  if (code === 2) {
    return {
      kind: 'drained',
      mailboxId,
      incarnation: fields.bytes('incarnation', 8),
      headSeq: fields.uint('headSeq'),
      chain: fields.optional('chain', 8),
    }
  }
  if (code === 3) return { kind: 'end', mailboxId, reason: fields.uint('reason', 255) }
  if (code === 5) return { kind: 'room', mailboxId }
  return { kind: 'ephemeral', mailboxId, env: fields.bytes('env', 0, ENVELOPE_MAX_BYTES) }
}

export function encodePushFrame(pushes: readonly RelayPush[]): Uint8Array<ArrayBuffer> {
  return encodeCbor([2, pushes.map(encodePush)])
}

/** What a relay sends. Pushes of later versions are left out. */
export type RelayFrame =
  | ({ readonly kind: 'reply' } & ReplyFrame)
  | { readonly kind: 'push'; readonly pushes: readonly RelayPush[] }

export function decodeRelayFrame(frame: Uint8Array): RelayFrame {
  const fields = new FieldReader(decodeCbor(frame, RELAY_FRAME_MAX_BYTES), 'frame')
  const kind = fields.uint('frame', 255)
  if (kind === 2) {
    const pushes = fields.array('pushes', 1, FRAME_PUSHES_MAX).map(decodePush)
    fields.end()
    return { kind: 'push', pushes: pushes.filter((push) => push !== undefined) }
  }
  if (kind !== 1) malformed(`frame: kind ${kind}`)
  const requestId = fields.uint('reqId', UINT32_MAX)
  const custody = fields.array('custody', 0, CUSTODY_ROOTS_MAX).map(decodeRoot)
  const replies = fields.array('replies', 1, FRAME_OPS_MAX)
  fields.end()
  return { kind: 'reply', requestId, custody, replies }
}
