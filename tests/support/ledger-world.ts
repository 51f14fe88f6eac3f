// A Ledger over a store whose writes the test holds back, fails and lets go.
import { EMPTY, readU32, u32 } from '../../crypto/index.ts'
import { NodeError } from '../../node/errors.ts'
import { nativeCrypto } from '../../node/native-crypto.ts'
import type { ChangeRow } from '../../node/ledger/change-feed.ts'
import { Ledger } from '../../node/ledger/ledger.ts'
import { MemoryStore } from '../../node/store/memory-store.ts'
import { RecordStore } from '../../node/store/record-store.ts'
import { SortedMap } from '../../node/store/sorted-map.ts'
import { VaultKeys } from '../../node/store/vault-keys.ts'
import type { Store, StoreRange, StoreWrite } from '../../node/store.ts'
import type { Effect, Table } from '../../protocol/index.ts'
import { VirtualClock } from '../sim/virtual-clock.ts'
import { bytesOf } from './relay-world.ts'

interface Held {
  readonly batch: readonly StoreWrite[]
  readonly land: () => Promise<void>
  readonly fail: (error: unknown) => void
}

/** Holds every write until told; reads may be held too. */
export class HeldStore implements Store {
  readonly #store: MemoryStore
  readonly held: Held[] = []
  holds = false
  fault: NodeError | undefined
  writes = 0
  reads = 0
  /** Called before each read is answered: what lands meanwhile is the test's to say. */
  beforeRead: () => Promise<void> = () => Promise.resolve()

  constructor(map: SortedMap) {
    this.#store = new MemoryStore(map)
  }

  async get(keys: readonly Uint8Array[]): ReturnType<Store['get']> {
    this.reads += 1
    await this.beforeRead()
    return this.#store.get(keys)
  }

  async range(query: StoreRange): ReturnType<Store['range']> {
    this.reads += 1
    const rows = await this.#store.range(query)
    await this.beforeRead()
    return rows
  }

  async write(batch: readonly StoreWrite[]): Promise<void> {
    this.writes += 1
    if (this.fault !== undefined) throw this.fault
    if (!this.holds) return this.#store.write(batch)
    await new Promise<void>((resolve, reject) => {
      this.held.push({
        batch,
        land: async () => {
          await this.#store.write(batch)
          resolve()
        },
        fail: reject,
      })
    })
  }

  close(): Promise<void> {
    return this.#store.close()
  }
}

/** Numbers by number, in one owner. */
export const numbers: Table<number, number> = {
  name: 'numbers',
  sealing: 'value',
  place: (key) => ({ owner: Uint8Array.of(7), order: u32(key) }),
  encode: (value) => {
    if (value < 0) throw new RangeError('no encoding')
    return u32(value)
  },
  decode: (bytes) => readU32(bytes, 0),
}
export const numbersOf = Uint8Array.of(7)

/** The same, kept as state. */
export const secrets: Table<number, number> = {
  ...numbers,
  name: 'sessions',
  sealing: 'state',
  place: (key) => ({ owner: EMPTY, order: u32(key) }),
}

export const full: NodeError = new NodeError('DISK_FULL', 'no space', { retryable: true })

export function warning(text: string): { kind: 'warning'; code: string; text: string } {
  return { kind: 'warning', code: 'TEST', text }
}

export class LedgerWorld {
  readonly time = new VirtualClock()
  readonly map: SortedMap
  readonly keys: VaultKeys
  readonly log: string[] = []
  readonly failures: NodeError[] = []
  readonly defects: unknown[] = []
  skewMs = 0
  store: HeldStore
  records: RecordStore
  onEffects: (effects: readonly Effect[]) => void = () => undefined
  #ledger: Ledger | undefined
  #randoms = 0

  constructor(map: SortedMap = new SortedMap()) {
    this.map = map
    const root = { storeId: bytesOf('store', 16), root: bytesOf('root') }
    this.keys = new VaultKeys(nativeCrypto, root, [{ generation: 1, key: bytesOf('state 1') }])
    this.store = new HeldStore(map)
    this.records = this.#over(this.store)
  }

  get ledger(): Ledger {
    if (this.#ledger === undefined) throw new Error('not open')
    return this.#ledger
  }

  readonly random = (length: number): Uint8Array<ArrayBuffer> =>
    bytesOf(`random ${this.#randoms++}`, length)

  #over(store: Store): RecordStore {
    return new RecordStore({ store, keys: this.keys, provider: nativeCrypto, random: this.random })
  }

  /** Opens the Ledger on what the store holds, as a start of the node does. */
  async open(): Promise<Ledger> {
    const clock = this.time.port(() => this.skewMs)
    const self = {
      account: bytesOf('account'),
      device: bytesOf('device'),
      deviceSeed: bytesOf('device seed'),
      dh: bytesOf('dh'),
      dhSecret: bytesOf('dh secret'),
      mailboxRoot: bytesOf('mailbox root'),
    }
    this.#ledger = await Ledger.open({
      records: this.records,
      clock,
      safeNowMs: () => clock.nowMs(),
      random: this.random,
      provider: nativeCrypto,
      self,
      onEffects: (effects) => {
        this.log.push(...effects.map((effect) => `effect ${effect.kind}`))
        this.onEffects(effects)
      },
      onChanges: (rows: readonly ChangeRow[]) => {
        for (const { cursor, change } of rows) {
          this.log.push(`change ${cursor} ${change.kind === 'warning' ? change.text : change.kind}`)
        }
      },
      onFailure: (error) => void this.failures.push(error),
      onDefect: (error) => void this.defects.push(error),
    })
    return this.#ledger
  }

  /** A fresh handle on the same disk. */
  reopen(): RecordStore {
    this.store = new HeldStore(this.map)
    this.records = this.#over(this.store)
    return this.records
  }

  put(key: number, value: number): Promise<number> {
    return this.ledger.run(function* (turn) {
      turn.put(numbers, key, value)
      return value
    })
  }
}

/** Lets every promise that can settle do so. */
export async function quiet(): Promise<void> {
  for (let i = 0; i < 4; i++) await new Promise(setImmediate)
}
