// Entries: a header, and its body or the reason why there is none (SPEC.md §8). The id is a hash of
// the whole header; the body hangs on it by a salted hash, so that a body can be destroyed while the
// header goes on proving that the entry was there, and nobody can guess a short text from its hash.
//
// entry = [header' bstr, reason, salt16|"", body bstr, sig64|""] +
import {
  type Bytes16,
  type Bytes32,
  type Bytes64,
  compareBytes,
  type CborArray,
  type CborValue,
  CryptoError,
  type CryptoProvider,
  decodeCbor,
  EMPTY,
  encodeCbor,
  FieldReader,
  label,
  malformed,
} from '../../crypto/index.ts'
import { FRAMES_MAX_BYTES, HEADER_MAX_BYTES } from '../limits.ts'
import { decodeElidedHeader, type ElidedHeader, encodeHeader, type EntryHeader } from './header.ts'

/** Why a body is absent, as numbers on the wire. Others count as `notHeld`. */
export const ABSENCE = {
  erased: 1,
  withdrawn: 2,
  expired: 3,
  beyondCut: 4,
  notHeld: 5,
} as const

export type AbsenceReason = keyof typeof ABSENCE

/** A body and the salt its hash needs. */
export interface EntryBody {
  readonly salt: Bytes16
  readonly bytes: Uint8Array
}

/** An entry as it travels: valid as far as its own bytes tell. */
export interface WireEntry {
  readonly header: ElidedHeader
  /** The body, or the number of the reason for its absence (1..255). */
  readonly body: EntryBody | number
  /** Sign(author, group-entry, id): groups only. */
  readonly signature: Bytes64 | undefined
}

/** What a carrier says about the entries in it. */
export interface EntryContext {
  readonly conversation: Bytes32
  /** The remote device of the session, or the sender of the group message. */
  readonly author?: Bytes32
  /** The operation of the group message's epoch. */
  readonly op?: Bytes32
}

/** An entry with everything restored that was elided. */
export interface Entry {
  readonly id: Bytes32
  readonly header: EntryHeader
  /** What the id is the hash of. */
  readonly headerBytes: Uint8Array
  readonly body: EntryBody | number
  readonly signature: Bytes64 | undefined
}

/** H(L("conv-direct") ‖ smaller AK ‖ larger AK): the conversation of two accounts. */
export function directConversation(provider: CryptoProvider, a: Bytes32, b: Bytes32): Bytes32 {
  const [smaller, larger] = compareBytes(a, b) <= 0 ? [a, b] : [b, a]
  return provider.sha256(label('conv-direct'), smaller, larger)
}

/** bodyHash = H(L("body") ‖ salt16 ‖ body). */
export function hashBody(provider: CryptoProvider, body: EntryBody): Bytes32 {
  return provider.sha256(label('body'), body.salt, body.bytes)
}

/** id = H(L("entry") ‖ header), over a whole header. */
export function hashHeader(provider: CryptoProvider, headerBytes: Uint8Array): Bytes32 {
  return provider.sha256(label('entry'), headerBytes)
}

/** The reason's number as a word; numbers of later versions are `notHeld`. */
export function absenceReason(reason: number): AbsenceReason {
  for (const [name, value] of Object.entries(ABSENCE)) {
    if (value === reason) return name as AbsenceReason
  }
  return 'notHeld'
}

/** The array of an entry, for a sync page. */
export function entryToCbor(entry: WireEntry): CborArray {
  const { header, body, signature } = entry
  const absent = typeof body === 'number'
  return [
    encodeHeader(header),
    absent ? body : 0,
    absent ? EMPTY : body.salt,
    absent ? EMPTY : body.bytes,
    signature ?? EMPTY,
  ]
}

/** The body of frame 0x1000. */
export function encodeEntry(entry: WireEntry): Uint8Array<ArrayBuffer> {
  return encodeCbor(entryToCbor(entry))
}

/** Decodes an entry of a sync page. Throws ERR_WIRE_MALFORMED. */
export function entryFromCbor(value: CborValue): WireEntry {
  const fields = new FieldReader(value, 'entry')
  const header = decodeElidedHeader(fields.bytes('header', 1, HEADER_MAX_BYTES))
  const reason = fields.uint('reason', 255)
  const salt = fields.optional('salt', 16)
  const bytes = fields.bytes('body', 0, FRAMES_MAX_BYTES)
  const signature = fields.optional('sig', 64)
  if (reason === 0) {
    // The hash would say again what salt and body say: two forms of one entry are one too many.
    if (header.bodyHash !== undefined) malformed('entry: bodyHash beside a body')
    if (salt === undefined) malformed('entry: a body without salt')
    return { header, body: { salt, bytes }, signature }
  }
  if (header.bodyHash === undefined) malformed('entry: neither body nor bodyHash')
  if (salt !== undefined || bytes.length > 0) malformed('entry: a body that is declared absent')
  return { header, body: reason, signature }
}

/** Decodes the body of frame 0x1000. Throws ERR_WIRE_MALFORMED. */
export function decodeEntry(bytes: Uint8Array): WireEntry {
  return entryFromCbor(decodeCbor(bytes, FRAMES_MAX_BYTES))
}

/**
 * Puts back what the carrier elided, and computes the id. Throws ERR_WIRE_MALFORMED where a field is
 * elided that this carrier does not say, and where a signature is without an operation or an
 * operation without a signature.
 */
export function restoreEntry(
  provider: CryptoProvider,
  entry: WireEntry,
  context: EntryContext,
): Entry {
  const author = entry.header.author ?? context.author
  if (author === undefined) malformed('entry: its author is elided')
  const bodyHash =
    typeof entry.body === 'number' ? entry.header.bodyHash : hashBody(provider, entry.body)
  if (bodyHash === undefined) malformed('entry: neither body nor bodyHash')
  const header: EntryHeader = {
    ...entry.header,
    conversation: entry.header.conversation ?? context.conversation,
    op: entry.header.op ?? context.op,
    author,
    bodyHash,
  }
  if ((header.op === undefined) !== (entry.signature === undefined)) {
    malformed('entry: signed iff it is of a group')
  }
  const headerBytes = encodeHeader(header)
  if (headerBytes.length > HEADER_MAX_BYTES) malformed('entry: the header is too long')
  const { body, signature } = entry
  return { id: hashHeader(provider, headerBytes), header, headerBytes, body, signature }
}

/** The same, or undefined where {@link restoreEntry} throws ERR_WIRE_MALFORMED. */
export function tryRestoreEntry(
  provider: CryptoProvider,
  entry: WireEntry,
  context: EntryContext,
): Entry | undefined {
  try {
    return restoreEntry(provider, entry, context)
  } catch (error) {
    if (error instanceof CryptoError && error.code === 'ERR_WIRE_MALFORMED') return undefined
    throw error
  }
}

/** Which fields the carrier says already. */
export type Elision = 'none' | 'session' | 'group'

/**
 * An entry as it travels: in its author's own session conversation and author are elided, in a group
 * message the operation as well, on a sync page nothing. bodyHash goes wherever the body does not.
 */
export function elideEntry(entry: Entry, elision: Elision): WireEntry {
  const { header, body, signature } = entry
  const said = elision !== 'none'
  return {
    header: {
      ...header,
      conversation: said ? undefined : header.conversation,
      author: said ? undefined : header.author,
      op: elision === 'group' ? undefined : header.op,
      bodyHash: typeof body === 'number' ? header.bodyHash : undefined,
    },
    body,
    signature,
  }
}

/** Order of a conversation: by Lamport timestamp, then by id. -1, 0 or 1. */
export function compareOrder(
  a: { readonly lamport: number; readonly id: Uint8Array },
  b: { readonly lamport: number; readonly id: Uint8Array },
): -1 | 0 | 1 {
  if (a.lamport !== b.lamport) return a.lamport < b.lamport ? -1 : 1
  return compareBytes(a.id, b.id)
}
