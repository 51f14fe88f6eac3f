// The system's clock, with time that can be made to pass: for code that runs on real sockets.
import { type Clock, type Timer, completeClock, systemClock } from '../../node/clock.ts'

interface Waiting {
  readonly atMs: number
  readonly run: () => void
  readonly timer: Timer
}

export class ShiftedClock {
  #shiftMs = 0
  readonly #waiting = new Set<Waiting>()
  readonly port: Clock = completeClock({
    nowMs: () => systemClock.nowMs() + this.#shiftMs,
    monotonicMs: () => systemClock.monotonicMs() + this.#shiftMs,
    after: (ms, run) => this.#after(ms, run),
  })

  #after(ms: number, run: () => void): Timer {
    const waiting: Waiting = {
      atMs: this.port.monotonicMs() + ms,
      run: () => {
        this.#waiting.delete(waiting)
        run()
      },
      timer: systemClock.after(ms, () => waiting.run()),
    }
    this.#waiting.add(waiting)
    return {
      cancel: () => {
        waiting.timer.cancel()
        this.#waiting.delete(waiting)
      },
    }
  }

  /** Time passes; timers that are due by then run once, in order. */
  pass(ms: number): void {
    this.#shiftMs += ms
    const nowMs = this.port.monotonicMs()
    const due = [...this.#waiting].filter(({ atMs }) => atMs <= nowMs)
    for (const each of due.toSorted((a, b) => a.atMs - b.atMs)) {
      each.timer.cancel()
      each.run()
    }
  }
}
