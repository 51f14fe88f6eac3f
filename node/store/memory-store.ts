// A store that lives as long as its process: for an embedder's tests (createTestNetwork). What it
// holds is the map: a store opened again over the same map finds all of it.
import { NodeError } from '../errors.ts'
import type { Store, StoreRange, StoreWrite } from '../store.ts'
import { SortedMap } from './sorted-map.ts'

export class MemoryStore implements Store {
  readonly #map: SortedMap
  #closed = false

  constructor(map: SortedMap = new SortedMap()) {
    this.#map = map
  }

  async get(keys: readonly Uint8Array[]): Promise<readonly (Uint8Array | undefined)[]> {
    this.#check()
    return keys.map((key) => this.#map.get(key))
  }

  async range(
    query: StoreRange,
  ): Promise<readonly (readonly [key: Uint8Array, value: Uint8Array])[]> {
    this.#check()
    return this.#map.range(query)
  }

  async write(batch: readonly StoreWrite[]): Promise<void> {
    this.#check()
    this.#map.apply(batch)
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  #check(): void {
    if (this.#closed) throw new NodeError('ABORTED', 'the store is closed')
  }
}
