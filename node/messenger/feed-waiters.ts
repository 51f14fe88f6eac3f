// Who waits for the change feed: all of it, or the state of one message. A batch wakes those of the
// second kind whose message it says something about, and nobody else, however many wait.
import { type Bytes32, toHex } from '../../crypto/index.ts'
import type { ChangeRow } from '../ledger/change-feed.ts'
import { Signal } from '../signal.ts'

export class FeedWaiters {
  readonly #moved = new Signal()
  readonly #signals = new Map<string, Signal>()

  /** Resolves when the feed grew, at a wake without rows, or at the abort. */
  moved(signal: AbortSignal): Promise<void> {
    return this.#moved.next(signal)
  }

  /** Resolves at the next change of the message's state, at a wake without rows, or at the abort. */
  async stateRose(entry: Bytes32, signal: AbortSignal): Promise<void> {
    const key = toHex(entry)
    let waiting = this.#signals.get(key)
    if (waiting === undefined) this.#signals.set(key, (waiting = new Signal()))
    try {
      await waiting.next(signal)
    } finally {
      if (waiting.waiting === 0 && this.#signals.get(key) === waiting) this.#signals.delete(key)
    }
  }

  /** Rows of a batch that is durable; without any, all look again: what they wait for may not come. */
  wake(rows?: readonly ChangeRow[]): void {
    this.#wakeStates(rows)
    this.#moved.raise()
  }

  #wakeStates(rows: readonly ChangeRow[] | undefined): void {
    if (this.#signals.size === 0) return
    if (rows === undefined) {
      for (const waiting of Array.from(this.#signals.values())) waiting.raise()
      return
    }
    for (const { change } of rows) {
      if (change.kind === 'state') this.#signals.get(toHex(change.entry))?.raise()
    }
  }
}
