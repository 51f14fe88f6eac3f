// Decoded records that are on the disk, so that the rows of a busy conversation are read once.
// Only the Ledger writes the store, so what is here is never older than the disk.
import { toHex } from '../../crypto/index.ts'
import type { Place, Table } from '../../protocol/index.ts'
import type { Overlay } from './overlay.ts'

const CACHE_MAX_ROWS = 20_000

function keyOf(table: Table<never, unknown>, place: Place): string {
  return `${table.name}/${toHex(place.owner)}/${toHex(place.order)}`
}

export class RowCache {
  readonly #rows = new Map<string, { readonly value: unknown }>()
  /** Rises with every batch: a read that began before it must not fill the cache. */
  epoch = 0

  get(table: Table<never, unknown>, place: Place): { readonly value: unknown } | undefined {
    return this.#rows.get(keyOf(table, place))
  }

  set(table: Table<never, unknown>, place: Place, value: unknown): void {
    const key = keyOf(table, place)
    this.#rows.delete(key)
    this.#rows.set(key, { value })
    if (this.#rows.size > CACHE_MAX_ROWS) {
      const oldest = this.#rows.keys().next()
      if (oldest.done !== true) this.#rows.delete(oldest.value)
    }
  }

  absorb(overlay: Overlay): void {
    this.epoch += 1
    for (const { table, place, value } of overlay.values()) this.set(table, place, value)
  }

  clear(): void {
    this.epoch += 1
    this.#rows.clear()
  }
}
