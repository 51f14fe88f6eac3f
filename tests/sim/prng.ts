// Seeded randomness. Every concern draws from a stream of its own, so that asking one for more
// (another fault, another message) leaves what the others give as it was.
import { createHash } from 'node:crypto'

/** sfc32 (Chris Doty-Humphrey, PractRand): 128 bits of state, 32 out at a time. */
export class Prng {
  readonly #seed: string
  #a: number
  #b: number
  #c: number
  #counter: number

  constructor(seed: string | number) {
    this.#seed = String(seed)
    const state = createHash('sha256').update(this.#seed).digest()
    this.#a = state.readUInt32BE(0)
    this.#b = state.readUInt32BE(4)
    this.#c = state.readUInt32BE(8)
    this.#counter = state.readUInt32BE(12)
  }

  /** An independent stream of this seed. */
  split(name: string): Prng {
    return new Prng(`${this.#seed}/${name}`)
  }

  u32(): number {
    const out = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + out) | 0
    return out >>> 0
  }

  /** In [0, 1). */
  unit(): number {
    return this.u32() / 2 ** 32
  }

  /** An integer from `min` to `max`, both included. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.unit() * (max - min + 1))
  }

  chance(probability: number): boolean {
    return this.unit() < probability
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.integer(0, items.length - 1)]
    if (item === undefined) throw new Error('nothing to pick from')
    return item
  }

  bytes = (length: number): Uint8Array<ArrayBuffer> => {
    const out = new Uint8Array(length)
    for (let i = 0; i < length; i += 4) {
      const word = this.u32()
      for (let j = i; j < Math.min(i + 4, length); j++) out[j] = (word >>> (8 * (j - i))) & 255
    }
    return out
  }
}
