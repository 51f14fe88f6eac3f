import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EPOCH_MS, VirtualClock } from './virtual-clock.ts'

describe('VirtualClock', () => {
  test('runs timers by time, then by insertion, however they were set', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { maxLength: 60 }), (delays) => {
        const clock = new VirtualClock()
        const ran: [number, number][] = []
        delays.forEach((ms, i) => clock.after(ms, () => ran.push([clock.elapsedMs, i])))
        while (clock.step());
        const expected = delays
          .map((ms, i) => [ms, i] as [number, number])
          .sort(([a, i], [b, j]) => a - b || i - j)
        expect(ran).toEqual(expected)
      }),
    )
  })

  test('a cancelled timer does not run, nor hold time up', () => {
    const clock = new VirtualClock()
    let ran = false
    clock
      .after(5, () => {
        ran = true
      })
      .cancel()
    expect(clock.step()).toBe(false)
    expect(ran).toBe(false)
    expect(clock.elapsedMs).toBe(0)
  })

  test('the wall clock may jump, the monotonic one never', () => {
    const clock = new VirtualClock()
    let skewMs = 0
    const port = clock.port(() => skewMs)
    clock.skipTo(1000)
    expect(port.nowMs()).toBe(EPOCH_MS + 1000)
    skewMs = -3_600_000
    expect(port.nowMs()).toBe(EPOCH_MS + 1000 - 3_600_000)
    expect(port.monotonicMs()).toBe(1000)
    clock.skipTo(500)
    expect(port.monotonicMs()).toBe(1000)
  })

  test('sleep and timeout follow it', async () => {
    const clock = new VirtualClock()
    const port = clock.port()
    const signal = port.timeout(10)
    const slept = port.sleep(100)
    const given = port.sleep(1000, signal)
    clock.step()
    expect(signal.aborted).toBe(true)
    await expect(given).rejects.toMatchObject({ code: 'TIMEOUT' })
    clock.step()
    await slept
    expect(clock.elapsedMs).toBe(100)
  })
})
