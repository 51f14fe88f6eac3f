// Accounts and devices of one group by small local numbers, so that state over hundreds of members
// is arrays of numbers. Numbers follow arrival and never leave this folder.
import { type Bytes32, compareBytes, toHex } from '../../crypto/index.ts'

export class KeyNumbers {
  readonly #numbers = new Map<string, number>()
  readonly #keys: Bytes32[] = []

  /** The number of a key; a new key gets the next. */
  number(key: Bytes32): number {
    const hex = toHex(key)
    const known = this.#numbers.get(hex)
    if (known !== undefined) return known
    const number = this.#keys.length
    this.#numbers.set(hex, number)
    this.#keys.push(key)
    return number
  }

  /** The number of a key that was seen before. */
  find(key: Bytes32): number | undefined {
    return this.#numbers.get(toHex(key))
  }

  get size(): number {
    return this.#keys.length
  }

  /** Forgets all but the first keys: what was numbered for an operation that was refused. */
  truncate(size: number): void {
    for (const key of this.#keys.splice(size)) this.#numbers.delete(toHex(key))
  }

  key(number: number): Bytes32 {
    const key = this.#keys[number]
    if (key === undefined) throw new RangeError(`no key has the number ${number}`)
    return key
  }

  /** Distinct numbers in the bytewise order of their keys. */
  sorted(numbers: Iterable<number>): readonly number[] {
    return [...new Set(numbers)].sort((a, b) => compareBytes(this.key(a), this.key(b)))
  }
}
