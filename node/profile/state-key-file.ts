// state.key on the disk and in use (SPEC.md §11.3): one key, or two while a rotation runs.
import {
  type CryptoProvider,
  type Random,
  type StateKey,
  createStateKey,
  sealStateKeys,
} from '../../crypto/index.ts'
import { profilePaths, replaceSecretFile, shredReplaced } from './files.ts'
import type { StateKeys } from './rotate-state-key.ts'
import type { OpenVault } from './vault.ts'

/** The state keys of an open vault, kept in its folder. */
export class StateKeyFile implements StateKeys {
  readonly #path: string
  readonly #vault: OpenVault
  readonly #provider: CryptoProvider
  readonly #random: Random

  constructor(dir: string, vault: OpenVault, provider: CryptoProvider, random: Random) {
    this.#path = profilePaths(dir).stateKey
    this.#vault = vault
    this.#provider = provider
    this.#random = random
  }

  get rotating(): boolean {
    return this.#vault.keys.stateKeys.length > 1
  }

  async begin(): Promise<void> {
    const { stateKeys } = this.#vault.keys
    const newest = Math.max(...stateKeys.map((one) => one.generation))
    await this.#replace([...stateKeys, createStateKey(this.#random, newest + 1)])
  }

  async finish(): Promise<void> {
    const { stateKeys } = this.#vault.keys
    const newest = Math.max(...stateKeys.map((one) => one.generation))
    await this.#replace(stateKeys.filter((one) => one.generation === newest))
  }

  async clean(): Promise<void> {
    await shredReplaced(this.#path)
  }

  async #replace(stateKeys: readonly StateKey[]): Promise<void> {
    const sealer = { provider: this.#provider, random: this.#random }
    // The file first: what is sealed under a key that only memory holds is lost in a crash.
    await replaceSecretFile(this.#path, sealStateKeys(sealer, this.#vault.root, stateKeys))
    this.#vault.keys.replaceStateKeys(stateKeys)
  }
}
