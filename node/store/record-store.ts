// Records on a Store: places become keys, values are sealed (SPEC.md §11). The only code that sees
// both a record's plaintext and the disk.
import {
  type CryptoProvider,
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

/** Index keys are asked for again and again: a small cache spares the HMAC. */
const INDEX_CACHE_SIZE = 8_192

export class RecordStore {
  readonly #store: Store
  readonly #keys: VaultKeys
  readonly #provider: CryptoProvider
  readonly #random: Random
  readonly #owners = new Map<string, Uint8Array>()

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
    const name = ascii(table.name)
    const head = concat(Uint8Array.of(name.length), name)
    if (owner.length === 0) return head
    const cacheKey = `${table.name}/${owner.join()}`
    let hidden = this.#owners.get(cacheKey)
    if (hidden === undefined) {
      hidden = indexKey(this.#provider, this.#keys.index, table.name, owner)
      if (this.#owners.size >= INDEX_CACHE_SIZE) this.#owners.clear()
      this.#owners.set(cacheKey, hidden)
    }
    return concat(head, hidden)
  }

  #key(table: AnyTable, place: Place): Uint8Array {
    return concat(this.#prefix(table, place.owner), place.order)
  }

  #open(table: AnyTable, key: Uint8Array, sealed: Uint8Array): unknown {
    try {
      return table.decode(this.#unseal(table, { store: table.name, key }, sealed))
    } catch (cause) {
      throw new NodeError('CORRUPT_STORE', `a record of "${table.name}" does not open`, {
        hint: 'The profile is damaged or was altered: keep a copy of the folder and restore it.',
        cause,
      })
    }
  }

  #unseal(table: AnyTable, place: ValuePlace, sealed: Uint8Array): Uint8Array {
    if (table.sealing === 'value') {
      return openValue(this.#provider, this.#keys.value(table.name), place, sealed)
    }
    const key = this.#keys.state(table.name, stateGeneration(sealed))
    if (key === undefined) throw new RangeError('sealed under a state key that is gone')
    return openStateValue(this.#provider, key, place, sealed)
  }

  async get(table: AnyTable, place: Place): Promise<unknown> {
    const key = this.#key(table, place)
    const [sealed] = await this.#store.get([key])
    return sealed === undefined ? undefined : this.#open(table, key, sealed)
  }

  async range(table: AnyTable, query: RangeQuery): Promise<readonly Row<unknown>[]> {
    const prefix = this.#prefix(table, query.owner)
    const rows = await this.#store.range({
      from: query.from === undefined ? prefix : concat(prefix, query.from),
      to: query.to === undefined ? prefixEnd(prefix) : concat(prefix, query.to),
      limit: query.limit,
      reverse: query.reverse === true,
    })
    return rows.map(([key, sealed]) => ({
      order: key.subarray(prefix.length),
      value: this.#open(table, key, sealed),
    }))
  }

  /** The sealed write of one record; `value` undefined removes it. */
  seal(table: AnyTable, place: Place, value: unknown): StoreWrite {
    const key = this.#key(table, place)
    if (value === undefined) return { key, value: undefined }
    const sealedAt = { store: table.name, key }
    const plain = table.encode(value)
    const sealer = { provider: this.#provider, random: this.#random }
    const sealed =
      table.sealing === 'state'
        ? sealStateValue(sealer, this.#keys.currentState(table.name), sealedAt, plain)
        : sealValue(sealer, this.#keys.value(table.name), sealedAt, plain)
    return { key, value: sealed }
  }

  write(batch: readonly StoreWrite[]): Promise<void> {
    return this.#store.write(batch)
  }

  close(): Promise<void> {
    return this.#store.close()
  }
}
