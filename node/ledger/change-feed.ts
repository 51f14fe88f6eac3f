// The change feed: what `watch`, events and whoever was away read (SPEC.md §16). Its rows are in
// the batch that made them true.
import {
  type CborValue,
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
import { type Change, type Step, type Table, type Turn, range } from '../../protocol/index.ts'
import type { RecordStore } from '../store/record-store.ts'
import { CHANGES_KEEP_MS, CHANGES_MAX_ROWS, WARNING_MAX_BYTES } from './limits.ts'

export interface ChangeRow {
  /** Position in the feed: 1, 2, .. without a gap. */
  readonly cursor: number
  /** Wall clock, Unix ms: for display. */
  readonly atMs: number
  /** Guarded clock, Unix ms: what its age is judged by. */
  readonly safeAtMs: number
  readonly change: Change
}

const ROW_MAX_BYTES = 8_192

function text(bytes: Uint8Array): string {
  return decodeText(bytes) ?? malformed('change: text')
}

/** Cuts a text to what a row holds, between characters. */
function cut(whole: string): string {
  const wellFormed = whole.replaceAll(/\p{Surrogate}/gu, '\ufffd')
  if (encodeText(wellFormed).length <= WARNING_MAX_BYTES) return wellFormed
  let out = ''
  let bytes = 0
  for (const character of wellFormed) {
    bytes += encodeText(character).length
    if (bytes > WARNING_MAX_BYTES) break
    out += character
  }
  return out
}

type Fields = readonly CborValue[]

interface ChangeCodec<K extends Change['kind']> {
  /** Number of the kind in the store: never reused. */
  readonly code: number
  readonly encode: (change: Extract<Change, { kind: K }>) => Fields
  readonly decode: (fields: FieldReader) => Extract<Change, { kind: K }>
}

const id = (fields: FieldReader, name: string): Uint8Array => fields.bytes(name, 32)
const bit = (value: boolean): number => (value ? 1 : 0)

const CODECS: { readonly [K in Change['kind']]: ChangeCodec<K> } = {
  message: {
    code: 1,
    encode: (c) => [c.conversation, c.entry, bit(c.mine), c.arrival, bit(c.open), bit(c.late)],
    decode: (f) => ({
      kind: 'message',
      conversation: id(f, 'conversation'),
      entry: id(f, 'entry'),
      mine: f.flag('mine'),
      arrival: f.uint('arrival'),
      open: f.flag('open'),
      late: f.flag('late'),
    }),
  },
  state: {
    code: 2,
    encode: (c) => [c.conversation, c.entry, encodeText(c.state)],
    decode: (f) => ({
      kind: 'state',
      conversation: id(f, 'conversation'),
      entry: id(f, 'entry'),
      state: text(f.bytes('state', 0, 64)),
    }),
  },
  contact: {
    code: 3,
    encode: (c) => [c.account, encodeText(c.state)],
    decode: (f) => ({
      kind: 'contact',
      account: id(f, 'account'),
      state: text(f.bytes('state', 0, 64)),
    }),
  },
  gap: {
    code: 4,
    encode: (c) => [c.conversation, c.author, c.from, c.to, bit(c.missing)],
    decode: (f) => ({
      kind: 'gap',
      conversation: id(f, 'conversation'),
      author: id(f, 'author'),
      from: f.uint('from'),
      to: f.uint('to'),
      missing: f.flag('missing'),
    }),
  },
  warning: {
    code: 5,
    encode: (c) => [
      encodeText(c.code),
      encodeText(cut(c.text)),
      ...(c.account === undefined ? [] : [c.account]),
    ],
    decode: (f) => {
      const code = text(f.bytes('code', 0, 64))
      const said = text(f.bytes('text', 0, WARNING_MAX_BYTES))
      const account = f.left === 0 ? undefined : id(f, 'account')
      return { kind: 'warning', code, text: said, ...(account === undefined ? {} : { account }) }
    },
  },
  placed: {
    code: 6,
    encode: (c) => [c.conversation, c.entry, bit(c.late)],
    decode: (f) => ({
      kind: 'placed',
      conversation: id(f, 'conversation'),
      entry: id(f, 'entry'),
      late: f.flag('late'),
    }),
  },
  body: {
    code: 7,
    encode: (c) => [c.conversation, c.entry],
    decode: (f) => ({
      kind: 'body',
      conversation: id(f, 'conversation'),
      entry: id(f, 'entry'),
    }),
  },
  fork: {
    code: 8,
    encode: (c) => [c.conversation, c.author, c.n],
    decode: (f) => ({
      kind: 'fork',
      conversation: id(f, 'conversation'),
      author: id(f, 'author'),
      n: f.uint('n'),
    }),
  },
  contradiction: {
    code: 9,
    encode: (c) => [c.conversation, c.entry],
    decode: (f) => ({
      kind: 'contradiction',
      conversation: id(f, 'conversation'),
      entry: id(f, 'entry'),
    }),
  },
  seen: {
    code: 10,
    encode: (c) => [c.conversation, c.arrival],
    decode: (f) => ({
      kind: 'seen',
      conversation: id(f, 'conversation'),
      arrival: f.uint('arrival'),
    }),
  },
  group: {
    code: 12,
    encode: (c) => [c.number, encodeText(c.state)],
    decode: (f) => ({
      kind: 'group',
      number: f.uint('number'),
      state: text(f.bytes('state', 0, 64)),
    }),
  },
  irretrievable: {
    code: 11,
    encode: (c) => [c.conversation, c.author, c.from, c.to],
    decode: (f) => ({
      kind: 'irretrievable',
      conversation: id(f, 'conversation'),
      author: id(f, 'author'),
      from: f.uint('from'),
      to: f.uint('to'),
    }),
  },
}

function encodeChange(change: Change): Fields {
  const codec = CODECS[change.kind] as unknown as ChangeCodec<Change['kind']>
  return [codec.code, ...codec.encode(change)]
}

function decodeChange(fields: FieldReader): Change {
  const code = fields.uint('kind')
  const codec = Object.values(CODECS).find((one) => one.code === code)
  return codec === undefined ? malformed(`change of kind ${code}`) : codec.decode(fields)
}

export function encodeChangeRow(row: ChangeRow): Uint8Array<ArrayBuffer> {
  return encodeCbor([row.cursor, row.atMs, row.safeAtMs, encodeChange(row.change)])
}

export function decodeChangeRow(bytes: Uint8Array): ChangeRow {
  const fields = new FieldReader(decodeCbor(bytes, ROW_MAX_BYTES), 'change')
  const row = {
    cursor: fields.uint('cursor'),
    atMs: fields.uint('at'),
    safeAtMs: fields.uint('safeAt'),
    change: decodeChange(fields.nested('change')),
  }
  fields.end()
  return row
}

export const changes: Table<number, ChangeRow> = {
  name: 'changes',
  sealing: 'value',
  place: (cursor) => ({ owner: EMPTY, order: u64(cursor) }),
  encode: encodeChangeRow,
  decode: decodeChangeRow,
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

/**
 * Removes up to `limit` of the oldest rows that are older than 30 days by the guarded clock, or
 * beyond 100 000; how many went. The newest row always stays: the next cursor is counted from it.
 */
export function* trimChanges(turn: Turn, limit: number): Step<number> {
  const [newest] = yield* range(changes, { owner: EMPTY, limit: 1, reverse: true })
  if (newest === undefined) return 0
  const last = newest.value.cursor
  let removed = 0
  for (const { value } of yield* range(changes, { owner: EMPTY, to: newest.order, limit })) {
    const isOld = turn.safeNowMs - value.safeAtMs > CHANGES_KEEP_MS
    if (!isOld && last - value.cursor < CHANGES_MAX_ROWS) break
    turn.remove(changes, value.cursor)
    removed += 1
  }
  return removed
}
