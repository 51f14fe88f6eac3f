// What machines keep between turns (protocol/memory.ts): the most recently used things, so many.
import type { Memory } from '../../protocol/index.ts'

/** Things kept: up to five for each group that is being worked on. */
const KEPT = 256

export class RecentMemory implements Memory {
  readonly #kept = new Map<string, unknown>()

  get(key: string): unknown {
    const value = this.#kept.get(key)
    if (value !== undefined) {
      this.#kept.delete(key)
      this.#kept.set(key, value)
    }
    return value
  }

  set(key: string, value: unknown): void {
    this.#kept.delete(key)
    this.#kept.set(key, value)
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= KEPT) return
      this.#kept.delete(oldest)
    }
  }

  clear(): void {
    this.#kept.clear()
  }
}
