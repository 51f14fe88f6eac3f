// Frame 0x1181, group-welcome (numbered): what a newcomer needs beside the operations: the epoch it
// was added in, the lineage's secret, and where the log begins for it, in pages (SPEC.md §20.9).
//
// [c, gid, addOp, E, G, opCount, page, pages, [[DK, n, id, lamport]] <=500]
import { type Bytes32, encodeCbor, FieldReader, malformed } from '../../crypto/index.ts'
import { LAMPORT_MAX } from '../limits.ts'
import { GROUP_OPS_HELD_MAX, WELCOME_PAGE_AUTHORS_MAX, WELCOME_PAGES_MAX } from '../group-limits.ts'
import type { BaseAuthor } from './base.ts'
import { bodyFields, numberField } from './fields.ts'
import type { ContentKind } from './kind.ts'

export interface GroupWelcome {
  readonly c: number
  readonly group: Bytes32
  /** opId of the operation that added the account. */
  readonly addOp: Bytes32
  /** E of that operation's epoch. */
  readonly epoch: Bytes32
  /** G of its lineage. */
  readonly lineage: Bytes32
  /** Operations of the group as far as the sender has them. */
  readonly operations: number
  /** 1, 2, .. of `pages`; every page repeats the fields above. */
  readonly page: number
  readonly pages: number
  /** The base table that baseHash of the add covers: this page of it, ascending by device. */
  readonly authors: readonly BaseAuthor[]
}

function encode(welcome: GroupWelcome): Uint8Array<ArrayBuffer> {
  return encodeCbor([
    welcome.c,
    welcome.group,
    welcome.addOp,
    welcome.epoch,
    welcome.lineage,
    welcome.operations,
    welcome.page,
    welcome.pages,
    welcome.authors.map(({ author, n, id, lamport }) => [author, n, id, lamport]),
  ])
}

function decode(body: Uint8Array): GroupWelcome {
  const fields = bodyFields(body, 'group-welcome')
  const welcome = {
    c: numberField(fields),
    group: fields.bytes('gid', 32),
    addOp: fields.bytes('addOp', 32),
    epoch: fields.bytes('E', 32),
    lineage: fields.bytes('G', 32),
    operations: fields.uint('opCount', GROUP_OPS_HELD_MAX),
    page: fields.uint('page', WELCOME_PAGES_MAX),
    pages: fields.uint('pages', WELCOME_PAGES_MAX),
    authors: fields.array('base', 0, WELCOME_PAGE_AUTHORS_MAX).map((value) => {
      const row = new FieldReader(value, 'welcome base')
      const author = {
        author: row.bytes('author', 32),
        n: row.uint('n', LAMPORT_MAX),
        id: row.bytes('id', 32),
        lamport: row.uint('lamport', LAMPORT_MAX),
      }
      row.end()
      if (author.n < 1 || author.lamport < author.n) malformed('welcome base: n or lamport')
      return author
    }),
  }
  fields.end()
  if (welcome.page < 1 || welcome.page > welcome.pages) malformed('group-welcome: page')
  return welcome
}

export const groupWelcomeFrame: ContentKind<GroupWelcome> = {
  kind: 0x1181,
  name: 'group-welcome',
  encode,
  decode,
}
