// Rows in memory for machines under measurement: every value passes through its table's codec, and
// the keeping itself costs as little as it can.
import type { CryptoProvider, Random } from '../../crypto/index.ts'
import {
  type Load,
  NO_MEMORY,
  type Place,
  type Row,
  type Self,
  type Step,
  type Turn,
} from '../../protocol/index.ts'

interface Cell {
  readonly order: Uint8Array
  readonly bytes: Uint8Array
}

function keyOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

export class BenchRows {
  readonly self: Self
  readonly #turn: Turn
  /** table and owner -> order -> cell */
  readonly #owners = new Map<string, Map<string, Cell>>()

  constructor(self: Self, crypto: CryptoProvider, random: Random) {
    this.self = self
    this.#turn = {
      nowMs: Date.now(),
      safeNowMs: Date.now(),
      self,
      crypto,
      random,
      put: (table, key, value) => {
        const place = table.place(key)
        const cell = { order: place.order, bytes: table.encode(value) }
        this.#cells(table.name, place).set(keyOf(place.order), cell)
      },
      remove: (table, key) => {
        const place = table.place(key)
        this.#cells(table.name, place).delete(keyOf(place.order))
      },
      memory: NO_MEMORY,
      effect: () => undefined,
      change: () => undefined,
    }
  }

  #cells(table: string, { owner }: Pick<Place, 'owner'>): Map<string, Cell> {
    const name = table + keyOf(owner)
    const known = this.#owners.get(name)
    if (known) return known
    const made = new Map<string, Cell>()
    this.#owners.set(name, made)
    return made
  }

  #answer(load: Load): unknown {
    const { table } = load
    if (load.kind === 'get') {
      const cell = this.#cells(table.name, load.place).get(keyOf(load.place.order))
      return cell && table.decode(cell.bytes)
    }
    const rows: Row<unknown>[] = []
    for (const { order, bytes } of this.#cells(table.name, load.query).values()) {
      if (rows.length < load.query.limit) rows.push({ order, value: table.decode(bytes) })
    }
    return rows
  }

  run<T>(machine: (turn: Turn) => Step<T>): T {
    const step = machine(this.#turn)
    let next = step.next()
    while (!next.done) next = step.next(this.#answer(next.value))
    return next.value
  }
}
