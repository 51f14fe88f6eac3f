import { describe, expect, test } from 'vitest'
import { eachSeed } from './seeds.ts'
import { Workload } from './workload.ts'

describe('the messenger under random faults', () => {
  test('keeps every promise', { timeout: 600_000 }, async () => {
    await eachSeed(25, async (seed) => {
      const workload = new Workload(seed, {
        keepTrace: process.env['SOTTO_SIM_SEED'] !== undefined,
      })
      expect(await workload.run()).toEqual([])
      expect(workload.tally.sends).toBeGreaterThan(10)
      return workload.world.simulation
    })
  })

  test('runs one seed the same way each time', async () => {
    const runs = [new Workload('replay'), new Workload('replay')]
    for (const run of runs) await run.run(15)
    const [first, second] = runs.map(({ world }) => world.simulation.traceHash)
    expect(first).toBe(second)
  })
})
