// A relay's view, taken apart: what its clients asked and got, and what occurs in it.
import { type CborValue, decodeCbor, encodeText, noble, toHex } from '../../crypto/index.ts'
import {
  RELAY_FRAME_MAX_BYTES,
  type RelayOp,
  decodeRelayFrame,
  decodeReply,
  decodeRequest,
  isFailure,
  mailboxIdOf,
} from '../../protocol/index.ts'
import type { RecordedStream } from './recording-host.ts'

/** Shorter byte strings prove nothing: they are equal by chance, or are lengths and times. */
const WINDOW_BYTES = 8

export interface Exchange {
  readonly op: RelayOp
  /** As it came. */
  readonly raw: CborValue
  /** The reply, undefined where none came. */
  readonly reply: CborValue | undefined
}

/** Byte strings of a structure, wherever they stand. */
export function byteStrings(value: CborValue): readonly Uint8Array[] {
  if (value instanceof Uint8Array) return [value]
  return typeof value === 'number' ? [] : value.flatMap(byteStrings)
}

export function ofStream(stream: RecordedStream): readonly Uint8Array[] {
  return stream.frames.flatMap(({ bytes }) => byteStrings(decodeCbor(bytes, RELAY_FRAME_MAX_BYTES)))
}

/** What a stream asked, each with its answer; decodes every frame on the way. */
export function exchanges(stream: RecordedStream): readonly Exchange[] {
  const replies = new Map<number, readonly CborValue[]>()
  for (const { from, bytes } of stream.frames) {
    if (from === 'client') continue
    const frame = decodeRelayFrame(bytes)
    if (frame.kind === 'reply') replies.set(frame.requestId, frame.replies)
  }
  return stream.frames.flatMap(({ from, bytes }) => {
    if (from === 'relay') return []
    const { requestId, ops } = decodeRequest(bytes)
    const [, , raws] = decodeCbor(bytes, RELAY_FRAME_MAX_BYTES) as readonly CborValue[]
    return ops.map((op, i): Exchange => {
      if (op.kind === 'unknown') throw new Error(`operation ${op.code} is not of this version`)
      return { op, raw: (raws as readonly CborValue[])[i] ?? 0, reply: replies.get(requestId)?.[i] }
    })
  })
}

/** Whether the client proved a mailbox of a device on it. */
export function isOwners(stream: RecordedStream): boolean {
  return exchanges(stream).some(({ op, reply }) => {
    if (op.kind !== 'open' && op.kind !== 'auth') return false
    const types = op.kind === 'open' ? [op.request.type] : op.request.proofs.map(({ type }) => type)
    const isAnswered = reply !== undefined && !isFailure(decodeReply(op.kind, reply))
    return types.includes(1) && isAnswered
  })
}

/** What the service shows to everybody: its keys, its certificate and its signed description. */
export function ofService(stream: RecordedStream): readonly Uint8Array[] {
  return exchanges(stream).flatMap(({ op, reply }) => {
    if (reply === undefined) return []
    if (op.kind === 'desc') return byteStrings(reply)
    if (op.kind !== 'hello') return []
    const hello = decodeReply('hello', reply)
    return isFailure(hello) ? [] : [hello.serviceKey]
  })
}

/** Every run of 8 bytes within the byte strings, as hex. */
function windows(strings: readonly Uint8Array[]): Set<string> {
  const out = new Set<string>()
  for (const bytes of strings) {
    const hex = toHex(bytes)
    for (let at = 0; at + 2 * WINDOW_BYTES <= hex.length; at += 2) {
      out.add(hex.slice(at, at + 2 * WINDOW_BYTES))
    }
  }
  return out
}

/** What occurs on both sides in runs of 8 bytes that no excepted value contains. */
export function shared(
  one: readonly Uint8Array[],
  other: readonly Uint8Array[],
  excepted: readonly Uint8Array[],
): readonly string[] {
  const [here, there, known] = [windows(one), windows(other), windows(excepted)]
  return [...here].filter((each) => there.has(each) && !known.has(each))
}

/** The forms in which a name or key could stand somewhere. */
export function forms(bytes: Uint8Array): readonly string[] {
  const hex = toHex(bytes)
  return [hex, toHex(encodeText(hex)), toHex(encodeText(Buffer.from(bytes).toString('base64url')))]
}

export function leaksOf(
  haystack: readonly Uint8Array[],
  needles: ReadonlyMap<string, readonly string[]>,
): readonly string[] {
  const hexes = haystack.map(toHex)
  return [...needles]
    .filter(([, all]) => all.some((needle) => hexes.some((hex) => hex.includes(needle))))
    .map(([what]) => what)
}

/** Mailboxes of groups by their ids as hex, each with all that was said and handed out about it. */
export function ofGroupMailboxes(
  streams: readonly RecordedStream[],
): ReadonlyMap<string, readonly Uint8Array[]> {
  const found = new Map<string, Uint8Array[]>()
  const about = streams.flatMap(aboutMailboxes)
  for (const { id, isGroup } of about) if (isGroup) found.set(id, [])
  for (const { id, value } of about) found.get(id)?.push(...byteStrings(value))
  return found
}

interface About {
  readonly id: string
  readonly value: CborValue
  /** It was proved or opened as a group's. */
  readonly isGroup: boolean
}

function aboutMailboxes(stream: RecordedStream): readonly About[] {
  const asked = exchanges(stream).flatMap(({ op, raw, reply }): readonly About[] => {
    const value = [raw, ...(reply === undefined ? [] : [reply])]
    if (op.kind === 'open') {
      const { type, ownerKey, secret } = op.request
      const bind = secret === undefined ? undefined : noble.sha256(secret)
      const id = toHex(mailboxIdOf(noble, type, ownerKey, type === 2 ? bind : undefined))
      return [{ id, value, isGroup: type === 2 }]
    }
    if (op.kind === 'auth') {
      return op.request.proofs.map(({ type, ownerKey, bind }) => ({
        id: toHex(mailboxIdOf(noble, type, ownerKey, bind)),
        value,
        isGroup: type === 2,
      }))
    }
    return 'mailboxId' in op.request
      ? [{ id: toHex(op.request.mailboxId), value, isGroup: false }]
      : []
  })
  const pushed = stream.frames.flatMap(({ from, bytes }): readonly About[] => {
    const [kind, events] = decodeCbor(bytes, RELAY_FRAME_MAX_BYTES) as readonly CborValue[]
    if (from === 'client' || kind !== 2 || !Array.isArray(events)) return []
    return (events as readonly (readonly CborValue[])[]).flatMap((value) => {
      const [, id] = value
      return id instanceof Uint8Array ? [{ id: toHex(id), value, isGroup: false }] : []
    })
  })
  return [...asked, ...pushed]
}
