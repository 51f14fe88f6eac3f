// What the operations of one flush see: the store, with the writes of those before them on top.
// Every operation is a savepoint; what fails leaves nothing behind.
import { CryptoError, compareBytes } from '../../crypto/index.ts'
import type { Load, RangeQuery, Step, Table } from '../../protocol/index.ts'
import type { Store, StoreWrite } from '../store.ts'
import { keyBehind, rowKey } from './row-keys.ts'

interface Cell {
  readonly key: Uint8Array
  /** undefined: removed, or not there. */
  readonly value: unknown
  readonly encode: (value: never) => Uint8Array
  readonly written: boolean
}

type AnyTable = Table<never, unknown>

function mapKey(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')
}

export class FlushView {
  readonly #store: Store
  readonly #cells = new Map<string, Cell>()
  #step = new Map<string, Cell>()
  readonly #also: StoreWrite[] = []

  constructor(store: Store) {
    this.#store = store
  }

  /** Runs a machine to its end; its writes are kept unless it throws. */
  async run<T>(steps: Step<T>): Promise<T> {
    this.#step = new Map()
    let next = steps.next()
    while (next.done !== true) {
      const load = next.value
      const known = load.kind === 'get' ? this.#known(load) : undefined
      next = steps.next(known === undefined ? await this.#load(load) : known.value)
    }
    for (const [key, cell] of this.#step) this.#cells.set(key, cell)
    this.#step = new Map()
    return next.value
  }

  readonly put = <K, V>(table: Table<K, V>, key: K, value: V): void => {
    this.#write(table, key, value)
  }

  readonly remove = <K, V>(table: Table<K, V>, key: K): void => {
    this.#write(table, key, undefined)
  }

  #write<K, V>(table: Table<K, V>, key: K, value: V | undefined): void {
    const place = table.place(key)
    const bytes = rowKey(table.name, place.owner, place.order)
    const encode = table.encode as (value: never) => Uint8Array
    this.#step.set(mapKey(bytes), { key: bytes, value, encode, written: true })
  }

  /** Reads what is likely to be asked for, in one go. */
  async prefetch(wanted: readonly (readonly [table: AnyTable, key: Uint8Array])[]): Promise<void> {
    // Once each: most of a flush may be for one mailbox.
    const missing = new Map<string, (typeof wanted)[number]>()
    for (const one of wanted) {
      const name = mapKey(one[1])
      if (!this.#cells.has(name)) missing.set(name, one)
    }
    const values = await this.#store.get([...missing.values()].map(([, key]) => key))
    let at = 0
    for (const [table, key] of missing.values()) {
      try {
        this.#remember(table, key, values[at++])
      } catch (error) {
        // Damaged: whoever asks for it meets it, and nobody else of the flush.
        if (!(error instanceof CryptoError)) throw error
      }
    }
  }

  #known({ table, place }: Load & { readonly kind: 'get' }): Cell | undefined {
    const name = mapKey(rowKey(table.name, place.owner, place.order))
    return this.#step.get(name) ?? this.#cells.get(name)
  }

  #remember(table: AnyTable, key: Uint8Array, bytes: Uint8Array | undefined): unknown {
    const value = bytes === undefined ? undefined : table.decode(bytes)
    const encode = table.encode as (value: never) => Uint8Array
    this.#cells.set(mapKey(key), { key, value, encode, written: false })
    return value
  }

  async #load(load: Load): Promise<unknown> {
    if (load.kind === 'range') return this.#range(load.table, load.query)
    const key = rowKey(load.table.name, load.place.owner, load.place.order)
    const [bytes] = await this.#store.get([key])
    return this.#remember(load.table, key, bytes)
  }

  async #range(
    table: AnyTable,
    query: RangeQuery,
  ): Promise<readonly { readonly order: Uint8Array; readonly value: unknown }[]> {
    const base = rowKey(table.name, query.owner, new Uint8Array(0))
    const from = query.from === undefined ? base : rowKey(table.name, query.owner, query.from)
    const to = query.to === undefined ? keyBehind(base) : rowKey(table.name, query.owner, query.to)
    const own = new Map<string, Cell>()
    for (const cells of [this.#cells, this.#step]) {
      for (const [name, cell] of cells) {
        if (!cell.written || compareBytes(cell.key, from) < 0) continue
        if (compareBytes(cell.key, to) < 0) own.set(name, cell)
      }
    }
    // As many more from the store as the flush may have removed of them.
    const limit = query.limit + own.size
    const reverse = query.reverse ?? false
    const stored = await this.#store.range({ from, to, limit, reverse })
    const found = stored
      .filter(([key]) => !own.has(mapKey(key)))
      .map(([key, bytes]) => ({ key, value: table.decode(bytes) }))
    for (const cell of own.values()) {
      if (cell.value !== undefined) found.push({ key: cell.key, value: cell.value })
    }
    if (own.size > 0) {
      found.sort((a, b) => (reverse ? -1 : 1) * compareBytes(a.key, b.key))
    }
    return found
      .slice(0, query.limit)
      .map(({ key, value }) => ({ order: key.slice(base.length), value }))
  }

  /** A write that no machine reads. */
  writeAlso(write: StoreWrite): void {
    this.#also.push(write)
  }

  /** What the flush is to write. */
  writes(): readonly StoreWrite[] {
    const out: StoreWrite[] = [...this.#also]
    for (const { key, value, encode, written } of this.#cells.values()) {
      if (!written) continue
      out.push({ key, value: value === undefined ? undefined : encode(value as never) })
    }
    return out
  }
}
