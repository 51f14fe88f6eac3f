// The subkeys of an open vault, derived once per kind of record (SPEC.md §11).
import {
  type Bytes32,
  type CryptoProvider,
  type StateKey,
  type StateSubkey,
  type VaultRoot,
  vaultIndexRoot,
  vaultSubkey,
  wipe,
} from '../../crypto/index.ts'

export class VaultKeys {
  /** Key of the hidden parts of places. */
  readonly index: Bytes32
  readonly #provider: CryptoProvider
  readonly #vault: VaultRoot
  #stateKeys: readonly StateKey[]
  readonly #values = new Map<string, Bytes32>()
  readonly #states = new Map<string, Bytes32>()

  constructor(provider: CryptoProvider, vault: VaultRoot, stateKeys: readonly StateKey[]) {
    this.index = vaultIndexRoot(provider, vault)
    this.#provider = provider
    this.#vault = vault
    this.#stateKeys = stateKeys
  }

  /** The generations that open, oldest first. */
  get stateKeys(): readonly StateKey[] {
    return this.#stateKeys
  }

  /** From now on these state keys: those that are gone open nothing any more. */
  replaceStateKeys(stateKeys: readonly StateKey[]): void {
    const kept = new Set(stateKeys.map((one) => one.generation))
    for (const old of this.#stateKeys) if (!kept.has(old.generation)) wipe(old.key)
    this.#stateKeys = stateKeys
    for (const subkey of this.#states.values()) wipe(subkey)
    this.#states.clear()
  }

  /** Subkey of records that forward secrecy does not rest on. */
  value(table: string): Bytes32 {
    let key = this.#values.get(table)
    if (key === undefined) {
      key = vaultSubkey(this.#provider, this.#vault, table)
      this.#values.set(table, key)
    }
    return key
  }

  /** Subkey of a state key's generation; undefined where that generation is gone. */
  state(table: string, generation: number): StateSubkey | undefined {
    const name = `${generation}/${table}`
    let key = this.#states.get(name)
    if (key === undefined) {
      const root = this.#stateKeys.find((one) => one.generation === generation)
      if (root === undefined) return undefined
      const vault = { storeId: this.#vault.storeId, root: root.key }
      key = vaultSubkey(this.#provider, vault, table)
      this.#states.set(name, key)
    }
    return { generation, subkey: key }
  }

  /** Subkey of the newest state key: what new state is sealed under. */
  currentState(table: string): StateSubkey {
    const newest = Math.max(...this.#stateKeys.map((one) => one.generation))
    const key = this.state(table, newest)
    if (key === undefined) throw new RangeError('the vault has no state key')
    return key
  }
}
