// The only place that reads a clock or sets a timer. Everything else asks this port, so that the
// simulator can hand in a virtual one.

export interface Timer {
  cancel(): void
}

export interface Clock {
  /** Wall clock, Unix ms. May jump. */
  nowMs(): number
  /** Milliseconds since some start; never jumps, never goes back. */
  monotonicMs(): number
  /** Runs `run` once after `ms`, or after 24 days. Does not keep the process alive. */
  after(ms: number, run: () => void): Timer
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Aborts with a TimeoutError after `ms`, or when `signal` does. */
  timeout(ms: number, signal?: AbortSignal): AbortSignal
}

export class TimeoutError extends Error {
  override readonly name = 'TimeoutError'
  readonly code = 'TIMEOUT'
}

/** Builds sleep and timeout from the three primitives of a clock. */
export function completeClock(base: Pick<Clock, 'nowMs' | 'monotonicMs' | 'after'>): Clock {
  return {
    ...base,
    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason)
        const stop = (): void => {
          timer.cancel()
          reject(signal?.reason)
        }
        const timer = base.after(ms, () => {
          signal?.removeEventListener('abort', stop)
          resolve()
        })
        signal?.addEventListener('abort', stop, { once: true })
      })
    },
    timeout(ms, signal) {
      const controller = new AbortController()
      if (signal?.aborted) {
        controller.abort(signal.reason)
        return controller.signal
      }
      const timer = base.after(ms, () =>
        controller.abort(new TimeoutError(`nothing within ${ms} ms`)),
      )
      const follow = (): void => controller.abort(signal?.reason)
      const settled = (): void => {
        timer.cancel()
        signal?.removeEventListener('abort', follow)
      }
      controller.signal.addEventListener('abort', settled, { once: true })
      signal?.addEventListener('abort', follow, { once: true })
      return controller.signal
    },
  }
}

/** The longest that a timer of the platform holds; what is longer it runs at once. */
const LONG_MS = 2 ** 31 - 1

/** The system's clock. */
export const systemClock: Clock = completeClock({
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, Math.min(ms, LONG_MS))
    timer.unref()
    return { cancel: () => clearTimeout(timer) }
  },
})

/** Keeps the process alive until cancelled: timers of a clock alone do not. */
export function keepAlive(): Timer {
  const timer = setInterval(() => undefined, LONG_MS)
  return { cancel: () => clearInterval(timer) }
}
