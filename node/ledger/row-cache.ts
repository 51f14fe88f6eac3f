// Decoded records that are on the disk, so that the rows of a busy conversation are read once.
// Only the Ledger writes the store, so what is here is never older than the disk; what a batch
// removes or replaces is gone from here with it.
import { CACHE_MAX_BYTES, CACHE_ROW_BYTES } from './limits.ts'
import type { PlaceKey } from './place-key.ts'

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

  get({ owner, order }: PlaceKey): { readonly value: unknown } | undefined {
    return this.#rows.get(owner + order)
  }

  /** Takes a record as it is on the disk: `sizeBytes` of it there, 0 where there is none. */
  set({ owner, order }: PlaceKey, value: unknown, sizeBytes: number): void {
    const key = owner + order
    this.#drop(key)
    const cached = { value, sizeBytes: sizeBytes + CACHE_ROW_BYTES }
    this.#rows.set(key, cached)
    this.#sizeBytes += cached.sizeBytes
    if (this.#sizeBytes <= this.#maxBytes) return
    for (const oldest of this.#rows.keys()) {
      this.#drop(oldest)
      if (this.#sizeBytes <= this.#maxBytes) return
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
