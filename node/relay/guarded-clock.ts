// safeNow (SPEC.md §1): moves with the monotonic clock, takes the wall clock at start only where
// that is near what was written down. A clock that jumps ten years expires nothing.
import type { Clock } from '../clock.ts'
import { CLOCK_TRUST_MS } from './limits.ts'

export class GuardedClock {
  readonly #clock: Clock
  readonly #baseMs: number
  readonly #startMs: number
  /** The wall clock was not believed: nothing is deleted until somebody looks into it. */
  readonly distrusted: boolean

  /** `storedMs`: safeNow as last written down; undefined for a new store. */
  constructor(clock: Clock, storedMs: number | undefined) {
    const wallMs = clock.nowMs()
    this.#clock = clock
    this.#startMs = clock.monotonicMs()
    this.distrusted = storedMs !== undefined && Math.abs(wallMs - storedMs) > CLOCK_TRUST_MS
    this.#baseMs = this.distrusted && storedMs !== undefined ? storedMs : wallMs
  }

  /** Unix ms, whole. */
  nowMs(): number {
    return Math.floor(this.#baseMs + this.#clock.monotonicMs() - this.#startMs)
  }

  nowS(): number {
    return Math.floor(this.nowMs() / 1000)
  }
}
