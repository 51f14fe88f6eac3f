// Decoded records that are on the disk, so that the rows of a busy conversation are read once.
// Only the Ledger writes the store, so what is here is never older than the disk; what a batch
// removes or replaces is gone from here with it.
import { CACHE_MAX_BYTES, CACHE_ROW_BYTES } from './limits.ts'
import type { PlaceKey } from './place-key.ts'

interface Cached {
  readonly value: unknown
  readonly sizeBytes: number
}

/** Records written or read since the last generation began, and the bytes they count for. */
interface Generation {
  readonly rows: Map<string, Cached>
  sizeBytes: number
}

function newGeneration(): Generation {
  return { rows: new Map(), sizeBytes: 0 }
}

/**
 * Two generations: what is used moves to the young one, and when that is half of the bound it
 * becomes the old one, whose rest is forgotten. No list to keep in order at every use.
 */
export class RowCache {
  readonly #maxBytes: number
  #young = newGeneration()
  #old = newGeneration()
  /** Rises with every batch: a read that began before it must not fill the cache. */
  epoch = 0

  constructor(maxBytes: number = CACHE_MAX_BYTES) {
    this.#maxBytes = maxBytes
  }

  /** Bytes it accounts for; never above its bound. */
  get sizeBytes(): number {
    return this.#young.sizeBytes + this.#old.sizeBytes
  }

  get({ owner, order }: PlaceKey): { readonly value: unknown } | undefined {
    const key = owner + order
    const young = this.#young.rows.get(key)
    if (young !== undefined) return young
    const old = this.#old.rows.get(key)
    if (old !== undefined) this.#put(key, old)
    return old
  }

  /** Takes a record as it is on the disk: `sizeBytes` of it there, 0 where there is none. */
  set({ owner, order }: PlaceKey, value: unknown, sizeBytes: number): void {
    this.#put(owner + order, { value, sizeBytes: sizeBytes + CACHE_ROW_BYTES })
  }

  clear(): void {
    this.epoch += 1
    this.#young = newGeneration()
    this.#old = newGeneration()
  }

  #put(key: string, cached: Cached): void {
    const most = this.#maxBytes / 2
    this.#young.sizeBytes -= this.#young.rows.get(key)?.sizeBytes ?? 0
    if (cached.sizeBytes > most) {
      // Too large to be kept, and what was known of it counts no more.
      this.#young.rows.delete(key)
      this.#drop(key)
      return
    }
    if (this.#young.sizeBytes + cached.sizeBytes > most) {
      this.#young.rows.delete(key)
      this.#old = this.#young
      this.#young = newGeneration()
    }
    this.#young.rows.set(key, cached)
    this.#young.sizeBytes += cached.sizeBytes
  }

  #drop(key: string): void {
    this.#old.sizeBytes -= this.#old.rows.get(key)?.sizeBytes ?? 0
    this.#old.rows.delete(key)
  }
}
