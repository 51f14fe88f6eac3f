// The state keys of a vault that lives in memory: nothing to write, nothing to overwrite.
import { type Random, type StateKey, createStateKey } from '../../crypto/index.ts'
import type { VaultKeys } from '../store/vault-keys.ts'
import type { StateKeys } from './rotate-state-key.ts'

export function memoryStateKeys(keys: VaultKeys, random: Random): StateKeys {
  const newest = (): StateKey =>
    keys.stateKeys.reduce((one, other) => (one.generation > other.generation ? one : other))
  return {
    get rotating() {
      return keys.stateKeys.length > 1
    },
    begin: async () => {
      const next = createStateKey(random, newest().generation + 1)
      keys.replaceStateKeys([...keys.stateKeys, next])
    },
    finish: async () => keys.replaceStateKeys([newest()]),
    clean: () => Promise.resolve(),
  }
}
