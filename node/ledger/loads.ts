// How the loads of machines are answered: from what is known of the disk, else from the disk, always
// with the writes over it that are not durable yet.
import type { Load } from '../../protocol/index.ts'
import type { RecordStore } from '../store/record-store.ts'
import { WHOLE_OWNER_MAX_ROWS } from './limits.ts'
import { type Overlay, mergeRows, writtenWithin } from './overlay.ts'
import { type PlaceKey, placeKey } from './place-key.ts'
import { RangeCache } from './range-cache.ts'
import { RowCache } from './row-cache.ts'
import type { View } from './turns.ts'

interface Known {
  readonly value: unknown
}

/** Loads from one opening of the store: a store that is opened anew starts with nothing known. */
export class Loads {
  readonly records: RecordStore
  readonly #cache = new RowCache()
  readonly #ranges = new RangeCache()

  constructor(records: RecordStore) {
    this.records = records
  }

  /** What a load answers without the disk; undefined where the disk must be asked. */
  known(load: Load, view: View): Known | undefined {
    if (load.kind === 'get') {
      const key = placeKey(load.table, load.place)
      return view.known(key) ?? this.#onDisk(load, key)
    }
    const { table, query } = load
    const written = writtenWithin(view.overlays(), table, query)
    const limit = query.limit + written.length
    const stored = this.#ranges.range(table, { ...query, limit })
    return stored === undefined ? undefined : { value: mergeRows(stored, written, query) }
  }

  /** What a load answers, with the help of the disk. */
  async load(load: Load, view: View): Promise<unknown> {
    const { epoch } = this.#cache
    if (await this.#learn(load)) {
      const known = this.known(load, view)
      if (known !== undefined) return known.value
    }
    const { table } = load
    if (load.kind === 'get') {
      const { value, sizeBytes } = await this.records.load(table, load.place)
      const key = placeKey(table, load.place)
      const newer = view.known(key) ?? this.#onDisk(load, key)
      if (newer !== undefined) return newer.value
      if (epoch === this.#cache.epoch) this.#cache.set(key, value, sizeBytes)
      return value
    }
    const { query } = load
    const written = writtenWithin(view.overlays(), table, query)
    const limit = query.limit + written.length
    const stored = await this.records.range(table, { ...query, limit })
    // `written` still holds a batch that became durable during the read: merging it is harmless.
    return mergeRows(stored, written, query)
  }

  /** Takes over a batch that is on the disk now; `sizes` are the bytes of its records there. */
  durable(batch: Overlay, sizes: readonly number[]): void {
    this.#cache.epoch += 1
    let at = 0
    for (const written of batch.values()) {
      const sizeBytes = sizes[at++] ?? 0
      this.#cache.set(written.key, written.value, sizeBytes)
      this.#ranges.apply(written, sizeBytes)
    }
  }

  /** Nothing is known any more. */
  clear(): void {
    this.#cache.clear()
    this.#ranges.clear()
  }

  #onDisk({ table, place }: Load & { kind: 'get' }, key: PlaceKey): Known | undefined {
    return this.#cache.get(key) ?? this.#ranges.get(table, place)
  }

  /** Reads more than was asked for, where that spares the next loads; whether it learnt anything. */
  async #learn(load: Load): Promise<boolean> {
    const { table } = load
    const owner = load.kind === 'get' ? load.place.owner : load.query.owner
    if (!this.#ranges.wants(table, owner)) return false
    const { epoch } = this.#cache
    if (table.rows === 'rare') {
      const isEmpty = await this.records.isEmpty(table)
      if (epoch === this.#cache.epoch) this.#ranges.takeRare(table, isEmpty)
      return isEmpty
    }
    const rows = await this.records.range(table, { owner, limit: WHOLE_OWNER_MAX_ROWS + 1 })
    if (epoch === this.#cache.epoch) this.#ranges.take(table, owner, rows)
    return true
  }
}
