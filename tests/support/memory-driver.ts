// Runs machines without a node: answers their loads from Maps, applies a turn's writes at once or,
// when the machine throws or the turn is to be lost, not at all. Values pass through their table's
// codec, so that what a test reads back has survived encoding.
import {
  type Change,
  type Effect,
  type Load,
  type Memory,
  type Place,
  type Row,
  type Self,
  type Step,
  type Table,
  type Turn,
} from '../../protocol/index.ts'
import {
  type CryptoProvider,
  type Random,
  compareBytes,
  copy,
  noble,
  toHex,
} from '../../crypto/index.ts'
import { seededRandom } from './seeded-random.ts'

interface Cell {
  readonly place: Place
  /** undefined: removed. */
  readonly bytes: Uint8Array | undefined
}

/** table name -> owner (hex) -> order (hex) -> cell */
type Cells = Map<string, Map<string, Map<string, Cell>>>

export interface MemoryDriverOptions {
  /** Seed of the random bytes and, where none is given, of the keys. */
  readonly seed: string
  readonly self?: Self
  readonly crypto?: CryptoProvider
  readonly nowMs?: number
  /** Instead of the seeded bytes: where their cost would be measured. */
  readonly random?: Random
}

/** Keys of a device from a source of bytes; the account key has no secret here. */
export function makeSelf(random: Random, crypto: CryptoProvider, accountSeed?: Uint8Array): Self {
  const deviceSeed = random(32)
  const dhSecret = random(32)
  return {
    account: crypto.ed25519PublicKey(accountSeed ?? random(32)),
    device: crypto.ed25519PublicKey(deviceSeed),
    deviceSeed,
    dh: crypto.x25519PublicKey(dhSecret),
    dhSecret,
    mailboxRoot: random(32),
  }
}

export class MemoryDriver {
  readonly self: Self
  readonly crypto: CryptoProvider
  readonly random: Random
  /** Effects and change rows of all committed turns, oldest first. Empty them at will. */
  effects: Effect[] = []
  changes: Change[] = []
  nowMs: number
  safeNowMs: number
  /** Kept over turns that are undone or lost, as a node's is; set anew by a node that starts. */
  memory: Memory = new Map<string, unknown>()
  #cells: Cells = new Map()

  constructor(options: MemoryDriverOptions) {
    this.crypto = options.crypto ?? noble
    this.random = options.random ?? seededRandom(options.seed)
    this.self = options.self ?? makeSelf(this.random, this.crypto)
    this.nowMs = options.nowMs ?? 1_700_000_000_000
    this.safeNowMs = this.nowMs
  }

  /** Moves both clocks. */
  advance(ms: number): void {
    this.nowMs += ms
    this.safeNowMs += ms
  }

  /** Runs one turn and commits it; a throw undoes it and comes through. */
  run<T>(machine: (turn: Turn) => Step<T>): T {
    const turn = new MemoryTurn(this, this.#cells)
    const result = drive(machine(turn), turn)
    merge(this.#cells, turn.writes)
    this.effects.push(...turn.effects)
    this.changes.push(...turn.changes)
    return result
  }

  /** Runs one turn and loses it, as a crash before the commit would. */
  crash<T>(machine: (turn: Turn) => Step<T>): T {
    const turn = new MemoryTurn(this, this.#cells)
    return drive(machine(turn), turn)
  }

  /** Everything durable: to come back to it, as a restored or copied profile does. */
  snapshot(): MemorySnapshot {
    const cells: Cells = new Map()
    merge(cells, this.#cells)
    return { cells }
  }

  restore(snapshot: MemorySnapshot): void {
    this.#cells = new Map()
    merge(this.#cells, snapshot.cells)
  }

  /** All rows of a table, in no promised order: for assertions about what is kept. */
  rows<K, V>(table: Table<K, V>): readonly V[] {
    const out: V[] = []
    for (const orders of this.#cells.get(table.name)?.values() ?? []) {
      for (const cell of orders.values()) if (cell.bytes) out.push(table.decode(copy(cell.bytes)))
    }
    return out
  }

  /** The stored bytes of a table, for assertions that a secret is gone. */
  storedBytes<K, V>(table: Table<K, V>): readonly Uint8Array[] {
    const out: Uint8Array[] = []
    for (const orders of this.#cells.get(table.name)?.values() ?? []) {
      for (const cell of orders.values()) if (cell.bytes) out.push(cell.bytes)
    }
    return out
  }
}

export interface MemorySnapshot {
  readonly cells: Cells
}

function drive<T>(step: Step<T>, turn: MemoryTurn): T {
  let next = step.next()
  while (!next.done) next = step.next(turn.answer(next.value))
  return next.value
}

/** Copies cells over others; removals stay as removals only where `into` is a turn. */
function merge(into: Cells, from: Cells): void {
  for (const [table, owners] of from) {
    for (const [owner, orders] of owners) {
      for (const [order, cell] of orders) {
        const target = cellsOf(into, table, owner)
        if (cell.bytes === undefined) target.delete(order)
        else target.set(order, cell)
      }
    }
  }
}

function cellsOf(cells: Cells, table: string, owner: string): Map<string, Cell> {
  let owners = cells.get(table)
  if (owners === undefined) cells.set(table, (owners = new Map()))
  let orders = owners.get(owner)
  if (orders === undefined) owners.set(owner, (orders = new Map()))
  return orders
}

class MemoryTurn implements Turn {
  readonly nowMs: number
  readonly safeNowMs: number
  readonly self: Self
  readonly random: Random
  readonly crypto: CryptoProvider
  readonly memory: Memory
  readonly writes: Cells = new Map()
  readonly effects: Effect[] = []
  readonly changes: Change[] = []
  readonly #base: Cells

  constructor(driver: MemoryDriver, base: Cells) {
    this.memory = driver.memory
    this.nowMs = driver.nowMs
    this.safeNowMs = driver.safeNowMs
    this.self = driver.self
    this.random = driver.random
    this.crypto = driver.crypto
    this.#base = base
  }

  put<K, V>(table: Table<K, V>, key: K, value: V): void {
    this.#write(table.name, table.place(key), copy(table.encode(value)))
  }

  remove<K, V>(table: Table<K, V>, key: K): void {
    this.#write(table.name, table.place(key), undefined)
  }

  effect(effect: Effect): void {
    this.effects.push(effect)
  }

  change(change: Change): void {
    this.changes.push(change)
  }

  #write(table: string, place: Place, bytes: Uint8Array | undefined): void {
    if (table.length > 64) throw new TypeError(`table name longer than 64: ${table}`)
    cellsOf(this.writes, table, toHex(place.owner)).set(toHex(place.order), { place, bytes })
  }

  answer(load: Load): unknown {
    const { table } = load
    const decode = (bytes: Uint8Array): unknown => table.decode(copy(bytes))
    if (load.kind === 'get') {
      const [owner, order] = [toHex(load.place.owner), toHex(load.place.order)]
      const written = this.writes.get(table.name)?.get(owner)?.get(order)
      const cell = written ?? this.#base.get(table.name)?.get(owner)?.get(order)
      return cell?.bytes === undefined ? undefined : decode(cell.bytes)
    }
    const { owner, from, to, limit, reverse } = load.query
    const cells = [...this.#owned(table.name, owner).values()]
      .filter((cell) => from === undefined || compareBytes(cell.place.order, from) >= 0)
      .filter((cell) => to === undefined || compareBytes(cell.place.order, to) < 0)
      .sort((a, b) => compareBytes(a.place.order, b.place.order))
    if (reverse === true) cells.reverse()
    const rows: Row<unknown>[] = []
    for (const { place, bytes } of cells) {
      if (bytes !== undefined && rows.length < limit) {
        rows.push({ order: copy(place.order), value: decode(bytes) })
      }
    }
    return rows
  }

  /** The records of one owner as this turn sees them: its own writes over the base. */
  #owned(table: string, owner: Uint8Array): Map<string, Cell> {
    const key = toHex(owner)
    const merged = new Map(this.#base.get(table)?.get(key))
    for (const [order, cell] of this.writes.get(table)?.get(key) ?? []) merged.set(order, cell)
    return merged
  }
}
