// Frame 0x1005, frontier: what is held of each author of a conversation (SPEC.md §10). Each is a
// partial statement; equal (device, n, id) means an equal prefix, because prev chains it.
//
// [1, conv|"", [[DK, n, id32|"", [[missing from, to]] <=32, [[fork n, id32]] <=8]] <=256, [[head id32, lamport]] <=256]
import {
  type Bytes32,
  type CborValue,
  encodeCbor,
  FieldReader,
  malformed,
} from '../../crypto/index.ts'
import {
  FRONTIER_AUTHORS_MAX,
  FRONTIER_FORKS_MAX,
  FRONTIER_HEADS_MAX,
  LAMPORT_MAX,
  WIRE_RANGES_MAX,
} from '../limits.ts'
import type { EntryRef } from '../log/header.ts'
import { decodeRanges, encodeRanges, type NumberRange } from '../log/ranges.ts'
import {
  conversationField,
  decodeRefs,
  encodeRefs,
  optionalBytes,
  versionedFields,
} from './fields.ts'
import type { ContentKind } from './kind.ts'

/** A second entry at one of an author's numbers. */
export interface ForkPoint {
  readonly n: number
  readonly id: Bytes32
}

export interface FrontierAuthor {
  readonly author: Bytes32
  /** Entries 1..n are held, counted from the base. */
  readonly n: number
  /** Id of entry n; undefined iff n = 0. */
  readonly id: Bytes32 | undefined
  /** Numbers above n that are known of and not held. */
  readonly missing: readonly NumberRange[]
  readonly forks: readonly ForkPoint[]
}

export interface Frontier {
  readonly conversation: Bytes32 | undefined
  readonly authors: readonly FrontierAuthor[]
  readonly heads: readonly EntryRef[]
}

function encode(frontier: Frontier): Uint8Array<ArrayBuffer> {
  const authors = frontier.authors.map((author) => [
    author.author,
    author.n,
    optionalBytes(author.id),
    encodeRanges(author.missing),
    author.forks.map((fork) => [fork.n, fork.id]),
  ])
  return encodeCbor([1, optionalBytes(frontier.conversation), authors, encodeRefs(frontier.heads)])
}

function decode(body: Uint8Array): Frontier {
  const fields = versionedFields(body, 'frontier')
  const conversation = conversationField(fields)
  const authors = fields.array('authors', 0, FRONTIER_AUTHORS_MAX).map(decodeAuthor)
  const heads = decodeRefs(fields.array('heads', 0, FRONTIER_HEADS_MAX), 'head')
  fields.end()
  return { conversation, authors, heads }
}

function decodeAuthor(value: CborValue): FrontierAuthor {
  const fields = new FieldReader(value, 'frontier author')
  const author = fields.bytes('author', 32)
  const n = fields.uint('n', LAMPORT_MAX)
  const id = fields.optional('id', 32)
  if ((n === 0) !== (id === undefined)) malformed('frontier author: id is there iff n > 0')
  const missing = decodeRanges(fields.array('missing', 0, WIRE_RANGES_MAX), n + 1, WIRE_RANGES_MAX)
  const forks = fields.array('forks', 0, FRONTIER_FORKS_MAX).map(decodeFork)
  fields.end()
  return { author, n, id, missing, forks }
}

function decodeFork(value: CborValue): ForkPoint {
  const fields = new FieldReader(value, 'fork')
  const fork = { n: fields.uint('n', LAMPORT_MAX), id: fields.bytes('id', 32) }
  fields.end()
  return fork
}

export const frontierFrame: ContentKind<Frontier> = {
  kind: 0x1005,
  name: 'frontier',
  encode,
  decode,
}
