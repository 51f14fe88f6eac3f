// Runs machines over maps in memory, one atomic turn at a time, as the Ledger does.
import {
  type Bytes32,
  type CryptoProvider,
  compareBytes,
  copy,
  noble,
  toHex,
} from '../../../crypto/index.ts'
import {
  type Change,
  type Effect,
  type Load,
  NO_MEMORY,
  type Step,
  type Turn,
} from '../../../protocol/index.ts'
import { account, device } from '../../crypto/identity-fixture.ts'

interface StoredRow {
  readonly owner: Uint8Array
  readonly order: Uint8Array
  readonly bytes: Uint8Array
}

type Rows = Map<string, Map<string, StoredRow>>

/** A deterministic stream of different bytes. */
function stream(): (length: number) => Uint8Array<ArrayBuffer> {
  let block = 0
  return (length) => {
    const out = new Uint8Array(length)
    for (let at = 0; at < length; at += 32) {
      const digest = noble.sha256(Uint8Array.of(block >> 16, block >> 8, block))
      block++
      out.set(digest.subarray(0, Math.min(32, length - at)), at)
    }
    return out
  }
}

export class Memory {
  nowMs = 1_795_500_000_000
  readonly effects: Effect[] = []
  readonly changes: Change[] = []
  #rows: Rows = new Map()
  readonly #random = stream()
  readonly #crypto: CryptoProvider

  constructor(crypto: CryptoProvider = noble) {
    this.#crypto = crypto
  }

  /** How many rows a table has. */
  count(name: string): number {
    return this.#rows.get(name)?.size ?? 0
  }

  /** Runs one turn; a throw undoes it. */
  run<T>(machine: (turn: Turn) => Step<T>): T {
    const rows: Rows = new Map([...this.#rows].map(([name, table]) => [name, new Map(table)]))
    const [effects, changes]: [Effect[], Change[]] = [[], []]
    const step = machine(this.#turn(rows, effects, changes))
    let next = step.next()
    while (!next.done) next = step.next(answer(rows, next.value))
    this.#rows = rows
    this.effects.push(...effects)
    this.changes.push(...changes)
    return next.value
  }

  #turn(rows: Rows, effects: Effect[], changes: Change[]): Turn {
    const own = device(0)
    const secret: Bytes32 = own.dhSecret
    return {
      nowMs: this.nowMs,
      safeNowMs: this.nowMs,
      self: {
        account,
        device: own.cert.device,
        deviceSeed: own.seed,
        dh: own.cert.dh,
        dhSecret: secret,
        mailboxRoot: new Uint8Array(32),
      },
      random: this.#random,
      crypto: this.#crypto,
      memory: NO_MEMORY,
      put(table, key, value) {
        const { owner, order } = table.place(key)
        const bytes = copy(table.encode(value))
        tableOf(rows, table.name).set(`${toHex(owner)}/${toHex(order)}`, { owner, order, bytes })
      },
      remove(table, key) {
        const { owner, order } = table.place(key)
        tableOf(rows, table.name).delete(`${toHex(owner)}/${toHex(order)}`)
      },
      effect: (effect) => effects.push(effect),
      change: (change) => changes.push(change),
    }
  }
}

function tableOf(rows: Rows, name: string): Map<string, StoredRow> {
  const table = rows.get(name) ?? new Map<string, StoredRow>()
  rows.set(name, table)
  return table
}

function answer(rows: Rows, load: Load): unknown {
  const table = load.table
  const stored = tableOf(rows, table.name)
  if (load.kind === 'get') {
    const row = stored.get(`${toHex(load.place.owner)}/${toHex(load.place.order)}`)
    return row === undefined ? undefined : table.decode(row.bytes)
  }
  const { owner, from, to, limit, reverse } = load.query
  const found = [...stored.values()]
    .filter(
      (row) =>
        compareBytes(row.owner, owner) === 0 &&
        (from === undefined || compareBytes(row.order, from) >= 0) &&
        (to === undefined || compareBytes(row.order, to) < 0),
    )
    .toSorted((a, b) => compareBytes(a.order, b.order))
  if (reverse === true) found.reverse()
  return found.slice(0, limit).map((row) => ({ order: row.order, value: table.decode(row.bytes) }))
}
