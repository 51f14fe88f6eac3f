// Full-jitter exponential back-off, one per destination: reset by a sign of life, so that who comes
// back is not kept waiting by how long it was away (SPEC.md §10).
import { BACKOFF_MAX_MS, BACKOFF_MIN_MS } from '../protocol/index.ts'

export class Backoff {
  readonly #unit: () => number
  readonly #mostMs: number
  #attempts = 0

  /** `unit`: 0 to 1, uniformly. `mostMs`: the ceiling, where it is not that of an outbox. */
  constructor(unit: () => number, mostMs: number = BACKOFF_MAX_MS) {
    this.#unit = unit
    this.#mostMs = mostMs
  }

  /**
   * How long to wait before the next attempt: also as long as the other side asks for, but never for
   * weeks because of one answer.
   */
  nextMs(askedMs = 0): number {
    const ceiling = Math.min(this.#mostMs, BACKOFF_MIN_MS * 2 ** Math.min(this.#attempts, 20))
    this.#attempts += 1
    const ownMs = Math.max(BACKOFF_MIN_MS / 4, this.#unit() * ceiling)
    return Math.max(ownMs, Math.min(askedMs, BACKOFF_MAX_MS))
  }

  reset(): void {
    this.#attempts = 0
  }
}
