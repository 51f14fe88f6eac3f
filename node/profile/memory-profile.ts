// A profile that lives as long as its process: for createTestNetwork and for tests of the node.
import { type CryptoProvider, type Random, createStateKey } from '../../crypto/index.ts'
import type { Store } from '../store.ts'
import { RecordStore } from '../store/record-store.ts'
import { VaultKeys } from '../store/vault-keys.ts'
import { memoryStateKeys } from './memory-state-keys.ts'
import { type NewIdentity, newIdentity, writeFirstRecords } from './new-identity.ts'
import type { OpenedProfile } from './open-profile.ts'

export interface MemoryProfileOptions {
  readonly name: string
  readonly relays: readonly string[]
  readonly provider: CryptoProvider
  readonly random: Random
  readonly nowMs: number
  /** Opens the store, which keeps what it holds from one opening to the next. */
  readonly openStore: () => Promise<Store>
}

export class MemoryProfile {
  readonly #options: MemoryProfileOptions
  readonly #identity: NewIdentity
  readonly #keys: VaultKeys
  #isWritten = false

  constructor(options: MemoryProfileOptions) {
    const { provider, random, nowMs } = options
    this.#options = options
    this.#identity = newIdentity({ provider, random, nowMs, phrase: undefined })
    const root = { storeId: random(16), root: random(32) }
    this.#keys = new VaultKeys(provider, root, [createStateKey(random, 1)])
  }

  /** Opens it as a node does; makes its first records the first time. */
  async open(): Promise<OpenedProfile> {
    const { provider, random, name, nowMs, relays, openStore } = this.#options
    const over = (store: Store): RecordStore =>
      new RecordStore({ store, keys: this.#keys, provider, random })
    const records = over(await openStore())
    if (!this.#isWritten) {
      await writeFirstRecords(records, provider, this.#identity, { name, nowMs, relays })
      this.#isWritten = true
    }
    const { self, homeSeed } = this.#identity
    return {
      records,
      identity: { schema: 1, self, homeSeed },
      reopen: async (failed) => {
        await failed.close()
        return over(await openStore())
      },
      stateKeys: memoryStateKeys(this.#keys, random),
      tidy: () => Promise.resolve(),
    }
  }
}
