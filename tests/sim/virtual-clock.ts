// Time that passes only when told. Timers run in the order of (time, insertion).
import { type Clock, type Timer, completeClock } from '../../node/clock.ts'

interface Entry {
  readonly atMs: number
  readonly order: number
  run: () => void
  cancelled: boolean
  done: boolean
}

const doNothing = (): void => undefined

function before(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}

class Heap {
  readonly #entries: Entry[] = []

  get first(): Entry | undefined {
    return this.#entries[0]
  }

  push(entry: Entry): void {
    const entries = this.#entries
    let at = entries.push(entry) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!before(entries[at]!, entries[parent]!)) return
      this.#swap(at, parent)
      at = parent
    }
  }

  pop(): Entry | undefined {
    const entries = this.#entries
    const top = entries[0]
    const last = entries.pop()
    if (last === undefined || last === top) return top
    entries[0] = last
    let at = 0
    while (true) {
      let least = at
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < entries.length && before(entries[child]!, entries[least]!)) least = child
      }
      if (least === at) return top
      this.#swap(at, least)
      at = least
    }
  }

  #swap(a: number, b: number): void {
    const entries = this.#entries
    const kept = entries[a]!
    entries[a] = entries[b]!
    entries[b] = kept
  }
}

export const EPOCH_MS: number = Date.UTC(2026, 0, 1)

export class VirtualClock {
  readonly #heap = new Heap()
  #nowMs = 0
  #order = 0
  #pending = 0

  /** Milliseconds since the start of the simulation. */
  get elapsedMs(): number {
    return this.#nowMs
  }

  /** Timers that are set, neither due nor cancelled. */
  get pending(): number {
    return this.#pending
  }

  after(ms: number, run: () => void): Timer {
    const entry: Entry = {
      atMs: this.#nowMs + Math.max(0, ms),
      order: this.#order++,
      run,
      cancelled: false,
      done: false,
    }
    this.#heap.push(entry)
    this.#pending += 1
    return {
      cancel: () => {
        if (!entry.cancelled && !entry.done) this.#pending -= 1
        entry.cancelled = true
        // It stays in the heap until it would be due: what it would have run need not.
        entry.run = doNothing
      },
    }
  }

  /** When the next timer is due; undefined where there is none. */
  nextAtMs(): number | undefined {
    while (this.#heap.first?.cancelled === true) this.#heap.pop()
    return this.#heap.first?.atMs
  }

  /** Goes to the next timer and runs it; false where there is none. */
  step(): boolean {
    if (this.nextAtMs() === undefined) return false
    const entry = this.#heap.pop()
    if (entry === undefined) return false
    this.#nowMs = Math.max(this.#nowMs, entry.atMs)
    this.#pending -= 1
    entry.done = true
    entry.run()
    return true
  }

  /** Lets time pass without an event. */
  skipTo(ms: number): void {
    this.#nowMs = Math.max(this.#nowMs, ms)
  }

  /** The clock port. `skewMs` is asked at each reading of the wall clock: it may jump. */
  port(skewMs: () => number = () => 0): Clock {
    return completeClock({
      nowMs: () => Math.round(EPOCH_MS + this.#nowMs + skewMs()),
      monotonicMs: () => this.#nowMs,
      after: (ms, run) => this.after(ms, run),
    })
  }
}
