// Something happened: wakes whoever waits for the next time it does.
export class Signal {
  readonly #waiting = new Set<() => void>()

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** Resolves at the next raise, or when the abort signal fires. */
  next(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done)
        signal.removeEventListener('abort', done)
        resolve()
      }
      this.#waiting.add(done)
      signal.addEventListener('abort', done, { once: true })
    })
  }

  raise(): void {
    // A waiter takes itself out as it wakes.
    for (const wake of Array.from(this.#waiting)) wake()
  }
}

/** A signal that follows several others until it is released. */
export interface Joined {
  readonly signal: AbortSignal
  /** Lets go of the others: they may live much longer. */
  readonly release: () => void
}

/** Aborts when one of the signals does. */
export function joinSignals(...signals: readonly (AbortSignal | undefined)[]): Joined {
  const controller = new AbortController()
  const ends: (() => void)[] = []
  const release = (): void => {
    for (const end of ends.splice(0)) end()
  }
  for (const signal of signals) {
    if (signal === undefined) continue
    if (signal.aborted) {
      controller.abort(signal.reason)
      break
    }
    const follow = (): void => {
      controller.abort(signal.reason)
      release()
    }
    signal.addEventListener('abort', follow, { once: true })
    ends.push(() => signal.removeEventListener('abort', follow))
  }
  if (controller.signal.aborted) release()
  return { signal: controller.signal, release }
}
