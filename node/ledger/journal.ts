// A row per batch, so that a batch lost from the middle of LevelDB's own log is noticed at the next
// start instead of being missed silently: the hash chain of entries would not cover an outbox row.
// Each row also names the tables that the batch before it wrote: a batch that is lost takes its own
// row with it, the next one still says what it was about.
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
import type { Table } from '../../protocol/index.ts'
import { NodeError } from '../errors.ts'
import type { StoreWrite } from '../store.ts'
import type { RecordStore } from '../store/record-store.ts'
import { JOURNAL_KEEP_BATCHES, JOURNAL_PAGE_ROWS, JOURNAL_TABLES_MAX } from './limits.ts'

interface JournalRow {
  readonly batch: number
  /** Records the batch wrote or removed. */
  readonly rows: number
  /** Names of the tables it wrote, and of those that the batch before it wrote. */
  readonly tables: readonly string[]
  readonly tablesBefore: readonly string[]
}

const ROW_MAX_BYTES = 4_096

const journal: Table<number, JournalRow> = {
  name: 'journal',
  sealing: 'value',
  place: (batch) => ({ owner: EMPTY, order: u64(batch) }),
  encode: (row) =>
    encodeCbor([
      row.batch,
      row.rows,
      row.tables.map((name) => encodeText(name)),
      row.tablesBefore.map((name) => encodeText(name)),
    ]),
  decode: (bytes) => {
    const fields = new FieldReader(decodeCbor(bytes, ROW_MAX_BYTES), 'journal')
    const names = (field: string): readonly string[] =>
      fields.array(field, 0, JOURNAL_TABLES_MAX).map((value) => {
        const name = value instanceof Uint8Array ? decodeText(value) : undefined
        return name ?? malformed('journal: table')
      })
    const row = {
      batch: fields.uint('batch'),
      rows: fields.uint('rows'),
      tables: names('tables'),
      tablesBefore: names('tables before'),
    }
    fields.end()
    return row
  },
}
const anyJournal = journal as Table<never, unknown>

interface Span {
  readonly oldest: number
  readonly next: number
}

/** The batches whose rows are there. Throws CORRUPT_STORE at the first hole. */
async function verified(records: RecordStore): Promise<Span> {
  let [oldest, next]: [number | undefined, number] = [undefined, 0]
  for (;;) {
    const orders = await records.orders(anyJournal, {
      owner: EMPTY,
      from: u64(next),
      limit: JOURNAL_PAGE_ROWS,
    })
    for (const order of orders) {
      const batch = readU64(order, 0)
      if (oldest !== undefined && batch !== next) throw await hole(records, next, batch)
      oldest ??= batch
      next = batch + 1
    }
    if (orders.length < JOURNAL_PAGE_ROWS) break
  }
  return oldest === undefined ? { oldest: 1, next: 1 } : { oldest, next }
}

async function hole(records: RecordStore, from: number, after: number): Promise<NodeError> {
  const row = (await records.get(anyJournal, journal.place(after))) as JournalRow
  const count = after - from
  return new NodeError(
    'CORRUPT_STORE',
    `the disk lost ${count === 1 ? `batch ${from}` : `batches ${from} to ${after - 1}`}` +
      `; the last of them wrote: ${row.tablesBefore.join(', ')}`,
    {
      hint: 'The disk lost writes that it had confirmed. Keep a copy of the folder; the 24 words restore the account on a new device.',
    },
  )
}

export class Journal {
  readonly #records: RecordStore
  #batch: number
  #oldest: number
  #tablesBefore: readonly string[]

  private constructor(records: RecordStore, span: Span, tablesBefore: readonly string[]) {
    this.#records = records
    this.#batch = span.next
    this.#oldest = span.oldest
    this.#tablesBefore = tablesBefore
  }

  /** Throws CORRUPT_STORE where a batch is missing from the middle. */
  static async open(records: RecordStore): Promise<Journal> {
    const span = await verified(records)
    const newest = await records.get(anyJournal, journal.place(span.next - 1))
    return new Journal(records, span, (newest as JournalRow | undefined)?.tables ?? [])
  }

  /** The journal's own writes for a batch: its row, and the removal of one that is old enough. */
  next(rows: number, tables: ReadonlySet<string>): readonly StoreWrite[] {
    const batch = this.#batch++
    const names = [...tables].slice(0, JOURNAL_TABLES_MAX)
    const row = { batch, rows, tables: names, tablesBefore: this.#tablesBefore }
    this.#tablesBefore = names
    const out = [this.#records.seal(anyJournal, journal.place(batch), row)]
    while (batch - this.#oldest >= JOURNAL_KEEP_BATCHES) {
      out.push(this.#records.seal(anyJournal, journal.place(this.#oldest++), undefined))
    }
    return out
  }
}
