// Records on a Store: places become keys, values are sealed (SPEC.md §11). The only code that sees
// both a record's plaintext and the disk.
import {
  CryptoError,
  type CryptoProvider,
  EMPTY,
  type Random,
  type ValuePlace,
  concat,
  indexKey,
  openStateValue,
  openValue,
  sealStateValue,
  sealValue,
  stateGeneration,
} from '../../crypto/index.ts'
import type { Place, RangeQuery, Row, Table } from '../../protocol/index.ts'
import { NodeError } from '../errors.ts'
import type { Store, StoreWrite } from '../store.ts'
import type { VaultKeys } from './vault-keys.ts'

type AnyTable = Table<never, unknown>

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0))
}

/** The first key after every key with this prefix. */
export function prefixEnd(prefix: Uint8Array): Uint8Array {
  const end = new Uint8Array(prefix)
  for (let i = end.length - 1; i >= 0; i--) {
    const byte = end[i] ?? 0
    if (byte < 0xff) {
      end[i] = byte + 1
      return end.subarray(0, i + 1)
    }
  }
  throw new RangeError('a prefix of 0xff has no end')
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

/** Beginnings of keys, asked for again and again: a small cache spares the HMAC. */
const INDEX_CACHE_SIZE = 8_192

/** Rows looked at in one load by `verify`. */
const VERIFY_PAGE_ROWS = 512
/** Above every key of a record: a table's name has at most 64 characters. */
const KEYS_END: Uint8Array = Uint8Array.of(0xff)

export interface TableCheck {
  readonly table: string
  readonly records: number
  /** Keys of the records whose seal does not open. */
  readonly damaged: readonly Uint8Array[]
}

/** The table that a key belongs to: its name is in front, with its length. */
function tableOf(key: Uint8Array): string {
  return String.fromCharCode(...key.subarray(1, 1 + (key[0] ?? 0)))
}

function damaged(table: AnyTable, cause: unknown): NodeError {
  return new NodeError('CORRUPT_STORE', `a record of "${table.name}" does not open`, {
    hint: 'The profile is damaged or was altered: `sotto doctor` says what, and repairs a copy of it.',
    cause,
  })
}

export class RecordStore {
  readonly #store: Store
  readonly #keys: VaultKeys
  readonly #provider: CryptoProvider
  readonly #random: Random
  readonly #prefixes = new Map<string, Uint8Array>()

  constructor(options: {
    readonly store: Store
    readonly keys: VaultKeys
    readonly provider: CryptoProvider
    readonly random: Random
  }) {
    this.#store = options.store
    this.#keys = options.keys
    this.#provider = options.provider
    this.#random = options.random
  }

  #prefix(table: AnyTable, owner: Uint8Array): Uint8Array {
    const cacheKey = `${table.name}/${latin1(owner)}`
    let prefix = this.#prefixes.get(cacheKey)
    if (prefix === undefined) {
      const name = ascii(table.name)
      const head = concat(Uint8Array.of(name.length), name)
      prefix =
        owner.length === 0
          ? head
          : concat(head, indexKey(this.#provider, this.#keys.index, table.name, owner))
      if (this.#prefixes.size >= INDEX_CACHE_SIZE) this.#prefixes.clear()
      this.#prefixes.set(cacheKey, prefix)
    }
    return prefix
  }

  #key(table: AnyTable, place: Place): Uint8Array {
    return concat(this.#prefix(table, place.owner), place.order)
  }

  #open(table: AnyTable, key: Uint8Array, sealed: Uint8Array): unknown {
    const plain = this.#unsealChecked(table, key, sealed)
    try {
      return table.decode(plain)
    } catch (cause) {
      if (cause instanceof CryptoError && cause.code === 'ERR_WIRE_UNSUPPORTED') {
        throw new NodeError('VERSION_UNSUPPORTED', 'this profile was written by a newer version', {
          hint: 'Install the newest version.',
          cause,
        })
      }
      throw damaged(table, cause)
    }
  }

  #unsealChecked(table: AnyTable, key: Uint8Array, sealed: Uint8Array): Uint8Array {
    try {
      return this.#unseal(table, { store: table.name, key }, sealed)
    } catch (cause) {
      throw damaged(table, cause)
    }
  }

  #unseal(
    table: Pick<AnyTable, 'name' | 'sealing'>,
    place: ValuePlace,
    sealed: Uint8Array,
  ): Uint8Array {
    if (table.sealing === 'value') {
      return openValue(this.#provider, this.#keys.value(table.name), place, sealed)
    }
    const key = this.#keys.state(table.name, stateGeneration(sealed))
    if (key === undefined) throw new RangeError('sealed under a state key that is gone')
    return openStateValue(this.#provider, key, place, sealed)
  }

  async get(table: AnyTable, place: Place): Promise<unknown> {
    return (await this.load(table, place)).value
  }

  /** A record and the bytes it takes on the disk: 0 where there is none. */
  async load(
    table: AnyTable,
    place: Place,
  ): Promise<{ readonly value: unknown; readonly sizeBytes: number }> {
    const key = this.#key(table, place)
    const [sealed] = await this.#store.get([key])
    return sealed === undefined
      ? { value: undefined, sizeBytes: 0 }
      : { value: this.#open(table, key, sealed), sizeBytes: sealed.length }
  }

  /** The orders of a range: nothing is opened. */
  async orders(table: AnyTable, query: RangeQuery): Promise<readonly Uint8Array[]> {
    const { rows, prefixBytes } = await this.#rows(table, query)
    return rows.map(([key]) => key.subarray(prefixBytes))
  }

  /** The records of a range, with the bytes each takes on the disk. */
  async range(
    table: AnyTable,
    query: RangeQuery,
  ): Promise<readonly (Row<unknown> & { readonly sizeBytes: number })[]> {
    const { rows, prefixBytes } = await this.#rows(table, query)
    return rows.map(([key, sealed]) => ({
      order: key.subarray(prefixBytes),
      value: this.#open(table, key, sealed),
      sizeBytes: sealed.length,
    }))
  }

  /** Whether a table has no record of anybody. */
  async isEmpty(table: AnyTable): Promise<boolean> {
    const { rows } = await this.#rows(table, { owner: EMPTY, limit: 1 })
    return rows.length === 0
  }

  async #rows(table: AnyTable, query: RangeQuery) {
    const prefix = this.#prefix(table, query.owner)
    const rows = await this.#store.range({
      from: query.from === undefined ? prefix : concat(prefix, query.from),
      to: query.to === undefined ? prefixEnd(prefix) : concat(prefix, query.to),
      limit: query.limit,
      reverse: query.reverse === true,
    })
    return { rows, prefixBytes: prefix.length }
  }

  /** The sealed write of one record; `value` undefined removes it. */
  seal(table: AnyTable, place: Place, value: unknown): StoreWrite {
    const plain = value === undefined ? undefined : table.encode(value)
    return this.sealBytes(table, place, plain)
  }

  /** As {@link seal}, of a record that was encoded already. */
  sealBytes(table: AnyTable, place: Place, plain: Uint8Array | undefined): StoreWrite {
    const key = this.#key(table, place)
    return { key, value: plain === undefined ? undefined : this.#seal(table, key, plain) }
  }

  #seal(table: AnyTable, key: Uint8Array, plain: Uint8Array): Uint8Array {
    const place = { store: table.name, key }
    const sealer = { provider: this.#provider, random: this.#random }
    return table.sealing === 'state'
      ? sealStateValue(sealer, this.#keys.currentState(table.name), place, plain)
      : sealValue(sealer, this.#keys.value(table.name), place, plain)
  }

  /**
   * Seals state again that an older state key still protects: up to `limit` rows of all tables in
   * order from `from` on. Answers the writes and where to go on; undefined at the end.
   */
  async resealState(
    table: AnyTable,
    from: Uint8Array | undefined,
    limit: number,
  ): Promise<{ readonly writes: readonly StoreWrite[]; readonly next: Uint8Array | undefined }> {
    const prefix = this.#prefix(table, EMPTY)
    const rows = await this.#store.range({ from: from ?? prefix, to: prefixEnd(prefix), limit })
    const { generation } = this.#keys.currentState(table.name)
    const writes: StoreWrite[] = []
    for (const [key, sealed] of rows) {
      if (stateGeneration(sealed) === generation) continue
      const plain = this.#unsealChecked(table, key, sealed)
      writes.push({ key, value: this.#seal(table, key, plain) })
    }
    const last = rows.length < limit ? undefined : rows.at(-1)
    return { writes, next: last === undefined ? undefined : concat(last[0], Uint8Array.of(0)) }
  }

  /**
   * Opens the seal of every record, table by table, in pages: how many there are of each table, and
   * the keys of those that do not open. Values are not decoded.
   */
  async verify(isState: (table: string) => boolean): Promise<readonly TableCheck[]> {
    const found = new Map<string, { records: number; damaged: Uint8Array[] }>()
    let from: Uint8Array = EMPTY
    for (;;) {
      const rows = await this.#store.range({ from, to: KEYS_END, limit: VERIFY_PAGE_ROWS })
      for (const [key, sealed] of rows) {
        const name = tableOf(key)
        let one = found.get(name)
        if (one === undefined) found.set(name, (one = { records: 0, damaged: [] }))
        one.records += 1
        if (!this.#opens(name, isState(name) ? 'state' : 'value', key, sealed)) {
          one.damaged.push(new Uint8Array(key))
        }
      }
      const last = rows.at(-1)
      if (last === undefined || rows.length < VERIFY_PAGE_ROWS) break
      from = concat(last[0], Uint8Array.of(0))
    }
    return [...found].map(([table, one]) => ({ table, ...one }))
  }

  #opens(name: string, sealing: 'state' | 'value', key: Uint8Array, sealed: Uint8Array): boolean {
    try {
      this.#unseal({ name, sealing }, { store: name, key }, sealed)
      return true
    } catch {
      return false
    }
  }

  write(batch: readonly StoreWrite[]): Promise<void> {
    return this.#store.write(batch)
  }

  async compact(): Promise<void> {
    await this.#store.compact?.()
  }

  close(): Promise<void> {
    return this.#store.close()
  }
}
