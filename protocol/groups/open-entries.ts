// Entries whose membership operation is not here yet: kept as they came, and judged when it is
// (SPEC.md §20.4, G7). Bounded, and for each author; what does not fit comes again by sync.
import { type Bytes32, EMPTY, concat, equalBytes, u64 } from '../../crypto/index.ts'
import { GROUP_HELD_MAX, GROUP_HELD_MAX_BYTES, GROUP_HELD_PER_SOURCE_MAX } from '../group-limits.ts'
import { type Entry, type WireEntry, decodeEntry, elideEntry, encodeEntry } from '../log/entry.ts'
import { encodeRecord, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get, range } from '../step.ts'

interface OpenEntry {
  readonly number: number
  readonly id: Bytes32
  readonly author: Bytes32
  readonly bytes: Uint8Array
}

const entries: Table<{ gid: Bytes32; number: number }, OpenEntry> = {
  name: 'group-open',
  sealing: 'value',
  place: ({ gid, number }) => ({ owner: gid, order: u64(number) }),
  encode: ({ number, id, author, bytes }) => encodeRecord([number, id, author, bytes]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'open entry')
    return {
      number: fields.uint('number'),
      id: fields.bytes('id', 32),
      author: fields.bytes('author', 32),
      bytes: fields.bytes('bytes', 1, 65_536),
    }
  },
}

const known: Table<{ gid: Bytes32; id: Bytes32 }, number> = {
  name: 'group-open-at',
  sealing: 'value',
  place: ({ gid, id }) => ({ owner: concat(gid, id), order: EMPTY }),
  encode: (number) => encodeRecord([number]),
  decode: (bytes) => readRecord(bytes, 'open entry place').uint('number'),
}

/** Keeps an entry; false where there is no room, of its author or in all. */
export function* keepOpenEntry(turn: Turn, gid: Bytes32, entry: Entry): Step<boolean> {
  const { id } = entry
  const { author } = entry.header
  if ((yield* get(known, { gid, id })) !== undefined) return true
  const rows = yield* range(entries, { owner: gid, limit: GROUP_HELD_MAX })
  const ofAuthor = rows.filter(({ value }) => equalBytes(value.author, author))
  if (rows.length >= GROUP_HELD_MAX || ofAuthor.length >= GROUP_HELD_PER_SOURCE_MAX) return false
  const number = (rows.at(-1)?.value.number ?? 0) + 1
  const bytes = encodeEntry(elideEntry(entry, 'none'))
  const sizeBytes = rows.reduce((sum, { value }) => sum + value.bytes.length, bytes.length)
  if (sizeBytes > GROUP_HELD_MAX_BYTES) return false
  turn.put(entries, { gid, number }, { number, id, author, bytes })
  turn.put(known, { gid, id }, number)
  return true
}

/** Whose they are, by their author's count, and the operation that they wait for. */
export function* openEntriesOf(
  gid: Bytes32,
): Step<readonly { readonly author: Bytes32; readonly n: number; readonly op: Bytes32 }[]> {
  const rows = yield* range(entries, { owner: gid, limit: GROUP_HELD_MAX })
  return rows.flatMap(({ value }) => {
    const { author, n, op } = decodeEntry(value.bytes).header
    return author === undefined || op === undefined ? [] : [{ author, n, op }]
  })
}

/** Takes all of them out, to be judged again. */
export function* takeOpenEntries(turn: Turn, gid: Bytes32): Step<readonly WireEntry[]> {
  const rows = yield* range(entries, { owner: gid, limit: GROUP_HELD_MAX })
  for (const { value } of rows) {
    turn.remove(entries, { gid, number: value.number })
    turn.remove(known, { gid, id: value.id })
  }
  return rows.map(({ value }) => decodeEntry(value.bytes))
}
