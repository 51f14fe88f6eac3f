// Sets of small integers: operations of one group by their local number. Never changed once shared.

export class Bits {
  static readonly NONE: Bits = new Bits(new Uint32Array(0))
  readonly #words: Uint32Array

  private constructor(words: Uint32Array) {
    this.#words = words
  }

  /** The union of some sets and single members. */
  static union(sets: readonly Bits[], members: readonly number[]): Bits {
    let length = 0
    for (const set of sets) length = Math.max(length, set.#words.length)
    for (const member of members) length = Math.max(length, (member >>> 5) + 1)
    const words = new Uint32Array(length)
    for (const set of sets) {
      const other = set.#words
      for (let at = 0; at < other.length; at++) words[at] = (words[at] ?? 0) | (other[at] ?? 0)
    }
    for (const member of members) {
      words[member >>> 5] = (words[member >>> 5] ?? 0) | (1 << (member & 31))
    }
    return new Bits(words)
  }

  has(member: number): boolean {
    return (((this.#words[member >>> 5] ?? 0) >>> (member & 31)) & 1) === 1
  }

  get isEmpty(): boolean {
    return this.#words.every((word) => word === 0)
  }

  get size(): number {
    let size = 0
    for (const word of this.#words) size += countBits(word)
    return size
  }

  /** What is in both. */
  and(other: Bits): Bits {
    const length = Math.min(this.#words.length, other.#words.length)
    const words = this.#words.slice(0, length)
    for (let at = 0; at < length; at++) words[at] = (words[at] ?? 0) & (other.#words[at] ?? 0)
    return new Bits(words)
  }

  /** What is here and not there. */
  without(other: Bits): Bits {
    const words = this.#words.slice()
    const length = Math.min(words.length, other.#words.length)
    for (let at = 0; at < length; at++) words[at] = (words[at] ?? 0) & ~(other.#words[at] ?? 0)
    return new Bits(words)
  }

  /** Members, ascending. */
  members(): readonly number[] {
    const members: number[] = []
    for (let at = 0; at < this.#words.length; at++) {
      for (let rest = this.#words[at] ?? 0; rest !== 0; rest &= rest - 1) {
        members.push((at << 5) + 31 - Math.clz32(rest & -rest))
      }
    }
    return members
  }
}

function countBits(word: number): number {
  let count = word - ((word >>> 1) & 0x55555555)
  count = (count & 0x33333333) + ((count >>> 2) & 0x33333333)
  return Math.imul((count + (count >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
