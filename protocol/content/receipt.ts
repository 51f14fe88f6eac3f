// Frame 0x1001, receipt: what a device durably holds of each author, and how far it was read
// (SPEC.md §10). Cumulative: what is not named is unchanged, and merging is union, so any later
// receipt heals a lost one.
//
// [1, r, [[conv|"", headN, [[author DK|"", n, id8, [[from, to]] <=32, readN]] <=64]] <=64, [c, [[from, to]] <=32]] +
import {
  type Bytes32,
  type Bytes8,
  type CborArray,
  type CborValue,
  encodeCbor,
  FieldReader,
  malformed,
} from '../../crypto/index.ts'
import {
  LAMPORT_MAX,
  RECEIPT_AUTHORS_MAX,
  RECEIPT_CONVERSATIONS_MAX,
  WIRE_RANGES_MAX,
} from '../limits.ts'
import { decodeRanges, encodeRanges, type NumberRange } from '../log/ranges.ts'
import { conversationField, optionalBytes, versionedFields } from './fields.ts'
import type { ContentKind } from './kind.ts'

export interface ReceiptAuthor {
  /** The author's DK; undefined is the device that the receipt goes to. */
  readonly author: Bytes32 | undefined
  /** Entries 1..n are durably held, counted from the base. */
  readonly n: number
  /** First eight bytes of the id of entry n; undefined iff n = 0. */
  readonly id8: Bytes8 | undefined
  /** Entries held above n + 1. */
  readonly held: readonly NumberRange[]
  /** Entries 1..readN were seen by the user; 0 where read receipts are off. */
  readonly readN: number
}

export interface ReceiptConversation {
  readonly conversation: Bytes32 | undefined
  /** The number of the sending device's own last entry: names the loss of a tail. */
  readonly headN: number
  readonly authors: readonly ReceiptAuthor[]
}

export interface Receipt {
  /** Rises with each receipt of this device to that one. */
  readonly r: number
  readonly conversations: readonly ReceiptConversation[]
  /** Numbered frames received from the other device: 1..c, and ranges above c + 1. */
  readonly numbered: { readonly c: number; readonly held: readonly NumberRange[] }
}

function encode(receipt: Receipt): Uint8Array<ArrayBuffer> {
  const conversations = receipt.conversations.map((conversation): CborArray => {
    const authors = conversation.authors.map((author): CborArray => {
      const { n, id8, held, readN } = author
      return [optionalBytes(author.author), n, optionalBytes(id8), encodeRanges(held), readN]
    })
    return [optionalBytes(conversation.conversation), conversation.headN, authors]
  })
  const { c, held } = receipt.numbered
  return encodeCbor([1, receipt.r, conversations, [c, encodeRanges(held)]])
}

function decode(body: Uint8Array): Receipt {
  const fields = versionedFields(body, 'receipt')
  const r = fields.uint('r', LAMPORT_MAX)
  const conversations = fields
    .array('conversations', 0, RECEIPT_CONVERSATIONS_MAX)
    .map(decodeConversation)
  const numbered = fields.nested('numbered')
  const c = numbered.uint('c', LAMPORT_MAX)
  const held = decodeRanges(numbered.array('held', 0, WIRE_RANGES_MAX), c + 2, WIRE_RANGES_MAX)
  numbered.end()
  return { r, conversations, numbered: { c, held } }
}

function decodeConversation(value: CborValue): ReceiptConversation {
  const fields = new FieldReader(value, 'receipt conversation')
  const conversation = conversationField(fields)
  const headN = fields.uint('headN', LAMPORT_MAX)
  const authors = fields.array('authors', 0, RECEIPT_AUTHORS_MAX).map(decodeAuthor)
  fields.end()
  return { conversation, headN, authors }
}

function decodeAuthor(value: CborValue): ReceiptAuthor {
  const fields = new FieldReader(value, 'receipt author')
  const author = fields.optional('author', 32)
  const n = fields.uint('n', LAMPORT_MAX)
  const id8 = fields.optional('id8', 8)
  if ((n === 0) !== (id8 === undefined)) malformed('receipt author: id8 is there iff n > 0')
  const held = decodeRanges(fields.array('held', 0, WIRE_RANGES_MAX), n + 2, WIRE_RANGES_MAX)
  const readN = fields.uint('readN', LAMPORT_MAX)
  fields.end()
  if (readN > n) malformed('receipt author: more was read than is held')
  return { author, n, id8, held, readN }
}

export const receiptFrame: ContentKind<Receipt> = { kind: 0x1001, name: 'receipt', encode, decode }
