// Frame 0x1102, base (numbered): where a conversation begins for a device that joins it. At or below
// it nothing is missing (SPEC.md §8).
//
// [c, conv|"", [[head id32, lamport]] <=16, [[DK, n, id32, lamport]] <=256]
import {
  type Bytes32,
  type CborValue,
  encodeCbor,
  FieldReader,
  malformed,
} from '../../crypto/index.ts'
import { BASE_AUTHORS_MAX, LAMPORT_MAX, PARENTS_MAX } from '../limits.ts'
import type { EntryRef } from '../log/header.ts'
import {
  bodyFields,
  conversationField,
  decodeRefs,
  encodeRefs,
  numberField,
  optionalBytes,
} from './fields.ts'
import type { ContentKind } from './kind.ts'

/** An author's last entry at the base. */
export interface BaseAuthor {
  readonly author: Bytes32
  readonly n: number
  readonly id: Bytes32
  readonly lamport: number
}

export interface Base {
  readonly conversation: Bytes32 | undefined
  readonly heads: readonly EntryRef[]
  readonly authors: readonly BaseAuthor[]
}

export interface BaseFrame extends Base {
  readonly c: number
}

function encode(base: BaseFrame): Uint8Array<ArrayBuffer> {
  return encodeCbor([
    base.c,
    optionalBytes(base.conversation),
    encodeRefs(base.heads),
    base.authors.map(({ author, n, id, lamport }) => [author, n, id, lamport]),
  ])
}

function decode(body: Uint8Array): BaseFrame {
  const fields = bodyFields(body, 'base')
  const c = numberField(fields)
  const conversation = conversationField(fields)
  const heads = decodeRefs(fields.array('heads', 0, PARENTS_MAX), 'head')
  const authors = fields.array('authors', 0, BASE_AUTHORS_MAX).map(decodeAuthor)
  fields.end()
  return { c, conversation, heads, authors }
}

function decodeAuthor(value: CborValue): BaseAuthor {
  const fields = new FieldReader(value, 'base author')
  const author = {
    author: fields.bytes('author', 32),
    n: fields.uint('n', LAMPORT_MAX),
    id: fields.bytes('id', 32),
    lamport: fields.uint('lamport', LAMPORT_MAX),
  }
  fields.end()
  // A Lamport timestamp rises with every entry of its author.
  if (author.n < 1 || author.lamport < author.n) malformed('base author: n is 0 or above lamport')
  return author
}

export const baseFrame: ContentKind<BaseFrame> = { kind: 0x1102, name: 'base', encode, decode }
