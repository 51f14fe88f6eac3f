// Who writes entries of a group that rest on whatever it says.
import { acceptEntry } from '../../protocol/log/accept.ts'
import type { Entry } from '../../protocol/log/entry.ts'
import type { EntryRef } from '../../protocol/log/header.ts'
import { bytesOf, CONVERSATION, entryOf, refOf } from './entries.ts'
import type { MemoryDriver } from './memory-driver.ts'

export class Writer {
  readonly author: Uint8Array
  readonly #driver: MemoryDriver
  readonly #seed: Uint8Array
  #last: Entry | undefined

  constructor(driver: MemoryDriver, name: string) {
    this.#driver = driver
    this.#seed = bytesOf(name)
    this.author = driver.crypto.ed25519PublicKey(this.#seed)
  }

  /** The next entry, taken or not. */
  write(parents: readonly EntryRef[] = [], isTaken = true): Entry {
    const prev = this.#last === undefined ? undefined : refOf(this.#last)
    const n = (this.#last?.header.n ?? 0) + 1
    const [op, seed, conversation] = [bytesOf('operation'), this.#seed, CONVERSATION]
    const { crypto } = this.#driver
    const parts = { conversation, author: this.author, seed, op, n, prev, parents, crypto }
    const entry = entryOf(parts)
    this.#last = entry
    const source = { kind: 'member' } as const
    if (isTaken) this.#driver.run((turn) => acceptEntry(turn, { conversation, entry, source }))
    return entry
  }
}
