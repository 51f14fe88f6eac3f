// Frames of /sotto/direct/1: type u8 ‖ payload (SPEC.md §9). Two devices that can reach each other
// exchange the same inner messages as through a relay, without the seal.
import {
  CryptoError,
  type Bytes16,
  type Bytes8,
  EMPTY,
  FieldReader,
  concat,
  copy,
  decodeCbor,
  encodeCbor,
  lengthPrefixed,
  malformed,
  readU16,
  readU32,
  u16,
  u32,
  u8,
} from '../../crypto/index.ts'
import { DIRECT_FRAME_MAX_BYTES } from '../limits.ts'

/** What became of an envelope, after the durable batch. */
export type AnswerCode = 'committed' | 'held' | 'unknownSession' | 'busy' | 'refused'

const CODES: readonly AnswerCode[] = ['committed', 'held', 'unknownSession', 'busy', 'refused']

export interface Answer {
  readonly seq: number
  readonly code: AnswerCode
  /** busy: retryAfterMs; held: 0 limit, 1 quarantine, 2 waits in requests. */
  readonly detail: number
}

/** One-time bundle of a device that is met directly: sealed items, empty where refused. */
export interface CardReply {
  readonly card: Uint8Array
  readonly opk: Uint8Array
  readonly okem: Uint8Array
}

export const GOAWAY = { closing: 0, protocolError: 1, unsupported: 2, overloaded: 3 } as const

export type DirectFrame =
  | { readonly kind: 'hello'; readonly features: number; readonly maxFrameBytes: number }
  | {
      readonly kind: 'envelope'
      readonly seq: number
      /** Sync: answered, but never repeated and in no outbox. */
      readonly volatile: boolean
      readonly sid: Bytes16
      readonly inner: Uint8Array
    }
  | { readonly kind: 'answers'; readonly answers: readonly Answer[] }
  | { readonly kind: 'ephemeral'; readonly sid: Bytes16; readonly message: Uint8Array }
  | { readonly kind: 'card-request'; readonly inviteId: Bytes16 }
  | ({ readonly kind: 'card' } & CardReply)
  /** Eight bytes, sent back as they came. */
  | { readonly kind: 'ping' | 'pong'; readonly token: Bytes8 }
  | { readonly kind: 'goaway'; readonly reason: number }
  /** A later version's frame: skipped. */
  | { readonly kind: 'unknown'; readonly type: number }

const TYPE = {
  hello: 0x01,
  envelope: 0x02,
  answers: 0x03,
  ephemeral: 0x04,
  cardRequest: 0x05,
  card: 0x06,
  ping: 0x07,
  pong: 0x08,
  goaway: 0x09,
} as const

/** From this type on an unknown frame closes the stream. */
const CRITICAL_TYPE = 0x80

export function encodeDirectFrame(frame: DirectFrame): Uint8Array<ArrayBuffer> {
  switch (frame.kind) {
    case 'hello':
      return concat(u8(TYPE.hello), encodeCbor([1, frame.features, frame.maxFrameBytes]))
    case 'envelope': {
      const head = concat(u8(TYPE.envelope), u32(frame.seq), u8(frame.volatile ? 1 : 0))
      return concat(head, frame.sid, frame.inner)
    }
    case 'answers':
      return concat(
        u8(TYPE.answers),
        u16(frame.answers.length),
        ...frame.answers.map(({ seq, code, detail }) =>
          concat(u32(seq), u8(CODES.indexOf(code)), u32(detail)),
        ),
      )
    case 'ephemeral':
      return concat(u8(TYPE.ephemeral), frame.sid, frame.message)
    case 'card-request':
      return concat(u8(TYPE.cardRequest), frame.inviteId)
    case 'card':
      return concat(u8(TYPE.card), ...[frame.card, frame.opk, frame.okem].map(lengthPrefixed))
    case 'ping':
    case 'pong':
      return concat(u8(frame.kind === 'ping' ? TYPE.ping : TYPE.pong), frame.token)
    case 'goaway':
      return concat(u8(TYPE.goaway), u8(frame.reason))
    case 'unknown':
      return u8(frame.type)
  }
}

/**
 * Throws ERR_WIRE_MALFORMED, for an unknown type from 0x80 on too; ERR_WIRE_UNSUPPORTED for a hello of
 * another version.
 */
export function decodeDirectFrame(bytes: Uint8Array): DirectFrame {
  const type = bytes[0]
  if (type === undefined || bytes.length > DIRECT_FRAME_MAX_BYTES) malformed('direct frame: length')
  const payload = bytes.subarray(1)
  switch (type) {
    case TYPE.hello:
      return decodeHello(payload)
    case TYPE.envelope: {
      if (payload.length < 22) malformed('envelope: too short')
      const flags = payload[4] ?? 0
      const seq = readU32(payload, 0)
      const sid = copy(payload.subarray(5, 21))
      return {
        kind: 'envelope',
        seq,
        volatile: (flags & 1) === 1,
        sid,
        inner: copy(payload.subarray(21)),
      }
    }
    case TYPE.answers:
      return decodeAnswers(payload)
    case TYPE.ephemeral:
      if (payload.length < 17) malformed('ephemeral: too short')
      return {
        kind: 'ephemeral',
        sid: copy(payload.subarray(0, 16)),
        message: copy(payload.subarray(16)),
      }
    case TYPE.cardRequest:
      if (payload.length !== 16) malformed('card-request: not 16 bytes')
      return { kind: 'card-request', inviteId: copy(payload) }
    case TYPE.card:
      return decodeCard(payload)
    case TYPE.ping:
    case TYPE.pong:
      if (payload.length !== 8) malformed('ping: not 8 bytes')
      return { kind: type === TYPE.ping ? 'ping' : 'pong', token: copy(payload) }
    case TYPE.goaway:
      if (payload.length !== 1) malformed('goaway: not 1 byte')
      return { kind: 'goaway', reason: payload[0] ?? 0 }
    default:
      if (type >= CRITICAL_TYPE) malformed(`direct frame of unknown type ${type}`)
      return { kind: 'unknown', type }
  }
}

function decodeHello(payload: Uint8Array): DirectFrame {
  const fields = new FieldReader(decodeCbor(payload, 256), 'hello')
  if (fields.uint('version') !== 1) {
    throw new CryptoError('ERR_WIRE_UNSUPPORTED', 'hello: not version 1')
  }
  return {
    kind: 'hello',
    features: fields.uint('features'),
    maxFrameBytes: fields.uint('maxFrame'),
  }
}

const ANSWER_BYTES = 9

function decodeAnswers(payload: Uint8Array): DirectFrame {
  if (payload.length < 2) malformed('answers: too short')
  const count = readU16(payload, 0)
  if (payload.length !== 2 + count * ANSWER_BYTES) malformed('answers: count')
  const answers: Answer[] = []
  for (let at = 2; at < payload.length; at += ANSWER_BYTES) {
    const code = CODES[payload[at + 4] ?? 255] ?? malformed('answers: unknown code')
    answers.push({ seq: readU32(payload, at), code, detail: readU32(payload, at + 5) })
  }
  return { kind: 'answers', answers }
}

function decodeCard(payload: Uint8Array): DirectFrame {
  const parts: Uint8Array[] = []
  let at = 0
  for (let i = 0; i < 3; i++) {
    if (at + 2 > payload.length) malformed('card: too short')
    const end = at + 2 + readU16(payload, at)
    if (end > payload.length) malformed('card: too short')
    parts.push(copy(payload.subarray(at + 2, end)))
    at = end
  }
  if (at !== payload.length) malformed('card: bytes after the end')
  const [card = EMPTY, opk = EMPTY, okem = EMPTY] = parts
  return { kind: 'card', card, opk, okem }
}
