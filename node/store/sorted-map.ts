// An ordered map of byte keys in memory: what a store in memory and the simulator's disk share.
import type { StoreRange, StoreWrite } from '../store.ts'

/** One character per byte: compares like the bytes do. */
function textOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')
}

function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'))
}

export class SortedMap {
  readonly #values = new Map<string, Uint8Array>()
  #keys: string[] = []
  #sizeBytes = 0

  /** Bytes of all keys and values. */
  get sizeBytes(): number {
    return this.#sizeBytes
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#values.get(textOf(key))?.slice()
  }

  /** The first place whose key is not below `text`. */
  #place(text: string): number {
    let [low, high] = [0, this.#keys.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#keys[middle] ?? '') < text) low = middle + 1
      else high = middle
    }
    return low
  }

  range(query: StoreRange): readonly (readonly [key: Uint8Array, value: Uint8Array])[] {
    const first = this.#place(textOf(query.from))
    const end = Math.max(first, this.#place(textOf(query.to)))
    const limit = Math.max(0, query.limit)
    const keys =
      query.reverse === true
        ? this.#keys.slice(Math.max(first, end - limit), end).reverse()
        : this.#keys.slice(first, Math.min(end, first + limit))
    return keys.map((text) => [bytesOf(text), this.#values.get(text)?.slice() ?? new Uint8Array(0)])
  }

  apply(batch: readonly StoreWrite[]): void {
    for (const { key, value } of batch) {
      const text = textOf(key)
      const old = this.#values.get(text)
      if (old !== undefined) this.#sizeBytes -= text.length + old.length
      if (value === undefined) {
        if (this.#values.delete(text)) this.#keys.splice(this.#place(text), 1)
        continue
      }
      this.#values.set(text, value.slice())
      this.#sizeBytes += text.length + value.length
      if (old === undefined) this.#keys.splice(this.#place(text), 0, text)
    }
  }

  /** Every row, in order. */
  rows(): readonly (readonly [key: Uint8Array, value: Uint8Array])[] {
    return this.#keys.map((text) => [bytesOf(text), this.#values.get(text) ?? new Uint8Array(0)])
  }
}
