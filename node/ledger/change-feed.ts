// The change feed: what `watch`, events and whoever was away read (SPEC.md §16). Its rows are in
// the batch that made them true.
import {
  EMPTY,
  FieldReader,
  decodeCbor,
  decodeText,
  encodeCbor,
  encodeText,
  malformed,
  readU64,
  u64,
} from '../../crypto/index.ts'
import type { Change, Table } from '../../protocol/index.ts'
import type { RecordStore } from '../store/record-store.ts'

export interface ChangeRow {
  /** Position in the feed: 1, 2, .. without a gap. */
  readonly cursor: number
  /** Wall clock, Unix ms. */
  readonly atMs: number
  readonly change: Change
}

const ROW_MAX_BYTES = 8_192

function text(bytes: Uint8Array): string {
  return decodeText(bytes) ?? malformed('change: text')
}

function encodeChange(change: Change): Parameters<typeof encodeCbor>[0] {
  switch (change.kind) {
    case 'message':
      return [1, change.conversation, change.entry, change.mine ? 1 : 0]
    case 'state':
      return [2, change.conversation, change.entry, encodeText(change.state)]
    case 'contact':
      return [3, change.account, encodeText(change.state)]
    case 'gap':
      return [4, change.conversation, change.author, change.from, change.to, change.missing ? 1 : 0]
    case 'warning':
      return [5, encodeText(change.code), encodeText(change.text)]
  }
}

function decodeChange(fields: FieldReader): Change {
  const kind = fields.uint('kind')
  switch (kind) {
    case 1:
      return {
        kind: 'message',
        conversation: fields.bytes('conversation', 32),
        entry: fields.bytes('entry', 32),
        mine: fields.flag('mine'),
      }
    case 2:
      return {
        kind: 'state',
        conversation: fields.bytes('conversation', 32),
        entry: fields.bytes('entry', 32),
        state: text(fields.bytes('state', 0, 64)),
      }
    case 3:
      return {
        kind: 'contact',
        account: fields.bytes('account', 32),
        state: text(fields.bytes('state', 0, 64)),
      }
    case 4:
      return {
        kind: 'gap',
        conversation: fields.bytes('conversation', 32),
        author: fields.bytes('author', 32),
        from: fields.uint('from'),
        to: fields.uint('to'),
        missing: fields.flag('missing'),
      }
    case 5:
      return {
        kind: 'warning',
        code: text(fields.bytes('code', 0, 64)),
        text: text(fields.bytes('text', 0, 4_096)),
      }
    default:
      return malformed(`change: kind ${kind}`)
  }
}

export const changes: Table<number, ChangeRow> = {
  name: 'changes',
  sealing: 'value',
  place: (cursor) => ({ owner: EMPTY, order: u64(cursor) }),
  encode: (row) => encodeCbor([row.cursor, row.atMs, encodeChange(row.change)]),
  decode: (bytes) => {
    const fields = new FieldReader(decodeCbor(bytes, ROW_MAX_BYTES), 'change')
    return {
      cursor: fields.uint('cursor'),
      atMs: fields.uint('at'),
      change: decodeChange(fields.nested('change')),
    }
  },
}

/** The cursor that the next change will get. */
export async function nextCursor(records: RecordStore): Promise<number> {
  const [newest] = await records.range(changes as Table<never, unknown>, {
    owner: EMPTY,
    limit: 1,
    reverse: true,
  })
  return newest === undefined ? 1 : readU64(newest.order, 0) + 1
}
