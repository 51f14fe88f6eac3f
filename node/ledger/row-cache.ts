// Decoded records that are on the disk, so that the rows of a busy conversation are read once.
// Only the Ledger writes the store, so what is here is never older than the disk.
import { toHex } from '../../crypto/index.ts'
import type { Place, Table } from '../../protocol/index.ts'
import { CACHE_MAX_BYTES, CACHE_ROW_BYTES } from './limits.ts'

function keyOf(table: Table<never, unknown>, place: Place): string {
  return `${table.name}/${toHex(place.owner)}/${toHex(place.order)}`
}

interface Cached {
  readonly value: unknown
  readonly sizeBytes: number
}

export class RowCache {
  readonly #rows = new Map<string, Cached>()
  readonly #maxBytes: number
  #sizeBytes = 0
  /** Rises with every batch: a read that began before it must not fill the cache. */
  epoch = 0

  constructor(maxBytes: number = CACHE_MAX_BYTES) {
    this.#maxBytes = maxBytes
  }

  /** Bytes it accounts for; never above its bound. */
  get sizeBytes(): number {
    return this.#sizeBytes
  }

  get(table: Table<never, unknown>, place: Place): { readonly value: unknown } | undefined {
    return this.#rows.get(keyOf(table, place))
  }

  /** Takes a record as it is on the disk: `sizeBytes` of it there, 0 where there is none. */
  set(table: Table<never, unknown>, place: Place, value: unknown, sizeBytes: number): void {
    const key = keyOf(table, place)
    this.#drop(key)
    const cached = { value, sizeBytes: sizeBytes + CACHE_ROW_BYTES }
    this.#rows.set(key, cached)
    this.#sizeBytes += cached.sizeBytes
    for (const oldest of this.#rows.keys()) {
      if (this.#sizeBytes <= this.#maxBytes) return
      this.#drop(oldest)
    }
  }

  clear(): void {
    this.epoch += 1
    this.#rows.clear()
    this.#sizeBytes = 0
  }

  #drop(key: string): void {
    const old = this.#rows.get(key)
    if (old === undefined) return
    this.#sizeBytes -= old.sizeBytes
    this.#rows.delete(key)
  }
}
