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

export interface JournalSpan {
  readonly oldest: number
  /** The number that the next batch gets. */
  readonly next: number
}

/** Batches that the disk lost from the middle. */
export interface JournalHole {
  readonly from: number
  readonly to: number
  /** Tables that the last of them wrote. */
  readonly tables: readonly string[]
}

/** The batches whose rows are there, and what is missing between them. */
export async function surveyJournal(
  records: RecordStore,
): Promise<{ readonly span: JournalSpan; readonly holes: readonly JournalHole[] }> {
  const holes: JournalHole[] = []
  let [oldest, next]: [number | undefined, number] = [undefined, 0]
  for (;;) {
    const orders = await records.orders(anyJournal, {
      owner: EMPTY,
      from: u64(next),
      limit: JOURNAL_PAGE_ROWS,
    })
    for (const order of orders) {
      const batch = readU64(order, 0)
      if (oldest !== undefined && batch !== next) {
        const row = (await records.get(anyJournal, journal.place(batch))) as JournalRow
        holes.push({ from: next, to: batch - 1, tables: row.tablesBefore })
      }
      oldest ??= batch
      next = batch + 1
    }
    if (orders.length < JOURNAL_PAGE_ROWS) break
  }
  return { span: oldest === undefined ? { oldest: 1, next: 1 } : { oldest, next }, holes }
}

/** What was lost, as a sentence. */
export function holeText({ from, to, tables }: JournalHole): string {
  const what = from === to ? `batch ${from}` : `batches ${from} to ${to}`
  return `the disk lost ${what}; the last of them wrote: ${tables.join(', ')}`
}

/** The removal of the rows before a batch: after a repair the journal begins there. */
export function cutJournal(
  records: RecordStore,
  { oldest }: JournalSpan,
  before: number,
): readonly StoreWrite[] {
  const count = Math.max(0, before - oldest)
  return Array.from({ length: count }, (_, i) =>
    records.seal(anyJournal, journal.place(oldest + i), undefined),
  )
}

/** The batches whose rows are there. Throws CORRUPT_STORE where one is missing. */
async function verified(records: RecordStore): Promise<JournalSpan> {
  const { span, holes } = await surveyJournal(records)
  const [first] = holes
  if (first === undefined) return span
  throw new NodeError('CORRUPT_STORE', holeText(first), {
    hint: 'The disk lost writes that it had confirmed. Say `sotto doctor --repair`: it works on a copy.',
  })
}

export class Journal {
  readonly #records: RecordStore
  #batch: number
  #oldest: number
  #tablesBefore: readonly string[]

  private constructor(records: RecordStore, span: JournalSpan, tablesBefore: readonly string[]) {
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
