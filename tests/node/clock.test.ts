// The system's clock: what the platform's timers do not take.
import { afterEach, expect, it, vi } from 'vitest'
import { systemClock } from '../../node/clock.ts'

afterEach(() => {
  vi.useRealTimers()
})

it('waits for what is longer than a timer holds, and does not run it at once', () => {
  for (const ms of [2 ** 31, 0xffffffff, Number.POSITIVE_INFINITY]) {
    vi.useFakeTimers()
    const ran = vi.fn()
    const timer = systemClock.after(ms, ran)
    vi.advanceTimersByTime(86_400_000)
    expect(ran).not.toHaveBeenCalled()
    timer.cancel()
    vi.useRealTimers()
  }
})
