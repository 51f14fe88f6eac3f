// A row per batch, so that a batch lost from the middle of LevelDB's own log is noticed at the next
// start instead of being missed silently: the hash chain of entries would not cover an outbox row.
import {
  EMPTY,
  FieldReader,
  concat,
  decodeCbor,
  encodeCbor,
  noble,
  readU64,
  u64,
} from '../../crypto/index.ts'
import type { Table } from '../../protocol/index.ts'
import { NodeError } from '../errors.ts'
import type { StoreWrite } from '../store.ts'
import type { RecordStore } from '../store/record-store.ts'

interface JournalRow {
  readonly batch: number
  readonly rows: number
  /** SHA-256 over the keys of the batch, first 16 bytes. */
  readonly digest: Uint8Array
}

const journal: Table<number, JournalRow> = {
  name: 'journal',
  sealing: 'value',
  place: (batch) => ({ owner: EMPTY, order: u64(batch) }),
  encode: (row) => encodeCbor([row.batch, row.rows, row.digest]),
  decode: (bytes) => {
    const fields = new FieldReader(decodeCbor(bytes, 128), 'journal')
    return {
      batch: fields.uint('batch'),
      rows: fields.uint('rows'),
      digest: fields.bytes('digest', 16),
    }
  },
}
const anyJournal = journal as Table<never, unknown>

/** Journal rows kept: older ones have proved that nothing is missing. */
const KEEP_BATCHES = 4_096

export class Journal {
  readonly #records: RecordStore
  #batch: number
  #oldest: number

  private constructor(records: RecordStore, batch: number, oldest: number) {
    this.#records = records
    this.#batch = batch
    this.#oldest = oldest
  }

  /** Throws CORRUPT_STORE where a batch is missing from the middle. */
  static async open(records: RecordStore): Promise<Journal> {
    const rows = await records.range(anyJournal, { owner: EMPTY, limit: KEEP_BATCHES * 2 })
    let expected: number | undefined
    for (const { order } of rows) {
      const batch = readU64(order, 0)
      if (expected !== undefined && batch !== expected) {
        throw new NodeError('CORRUPT_STORE', `batches ${expected} to ${batch - 1} are missing`, {
          hint: 'The disk lost writes that it had confirmed. Keep a copy of the folder, then run: sotto doctor',
        })
      }
      expected = batch + 1
    }
    const [first] = rows
    const next = expected ?? 1
    return new Journal(records, next, first === undefined ? next : readU64(first.order, 0))
  }

  /** The journal's own writes for a batch: its row, and the removal of one that is old enough. */
  next(writes: readonly StoreWrite[]): readonly StoreWrite[] {
    const batch = this.#batch++
    const digest = noble.sha256(concat(...writes.map(({ key }) => key))).subarray(0, 16)
    const row = { batch, rows: writes.length, digest }
    const out = [this.#records.seal(anyJournal, journal.place(batch), row)]
    while (batch - this.#oldest >= KEEP_BATCHES) {
      out.push(this.#records.seal(anyJournal, journal.place(this.#oldest++), undefined))
    }
    return out
  }
}
