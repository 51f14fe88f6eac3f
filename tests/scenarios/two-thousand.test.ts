import { expect, test } from 'vitest'
import { World } from '../sim/world.ts'

test(
  'two thousand messages through the relay alone, over five crashes of their receiver',
  { timeout: 120_000 },
  async () => {
    const world = new World('two thousand')
    await world.relay()
    const alice = await world.person('alice')
    const bob = await world.person('bob')
    await world.introduce(alice, bob)
    await world.stop(bob)
    for (let i = 0; i < 20; i++) await world.sendMany(alice, bob, 100)
    await world.start(bob)
    for (let i = 0; i < 5; i++) {
      await world.simulation.run(150 + 50 * i)
      bob.machine.crash({ keepsAll: i % 2 === 0 })
      await world.start(bob)
    }
    expect(await world.settled()).toEqual([])
    expect(world.oracle.acknowledged).toBe(2_000)
  },
)
