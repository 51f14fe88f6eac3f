import { expect, test } from 'vitest'
import { World } from '../sim/world.ts'

const DAY_MS = 86_400_000

test(
  'who was away until half had expired at the relay is told of the gap, and gets all of it',
  { timeout: 120_000 },
  async () => {
    const world = new World('long absence')
    const relay = await world.relay()
    const alice = await world.person('alice')
    const bob = await world.person('bob')
    await world.introduce(alice, bob)
    await world.send(bob, alice)
    await world.settled()
    await world.stop(bob)
    for (const half of [1, 2]) {
      for (let i = 0; i < 10; i++) {
        await world.sendMany(alice, bob, 15)
        await world.simulation.run(5_000)
      }
      await world.simulation.run(60_000)
      await world.stop(alice)
      await world.simulation.settle(relay.machine.stop())
      if (half === 1) await world.simulation.run(20 * DAY_MS)
      await world.simulation.settle(relay.machine.start())
      if (half === 1) await world.start(alice)
    }
    await world.simulation.settle(relay.machine.stop())
    await world.simulation.run(15 * DAY_MS)
    await world.simulation.settle(relay.machine.start())
    await world.simulation.run(120_000)
    await world.start(bob)
    await world.simulation.run(60_000)
    // The first half is gone from the relay, the second came; alice is not there yet.
    const shown = (await world.oracle.chat(bob, alice)).filter(({ mine }) => !mine)
    expect(shown.length).toBe(150)
    expect([...world.oracle.gaps]).toEqual(['bob: alice 1-150'])
    await world.start(alice)
    expect(await world.settled(3 * DAY_MS)).toEqual([])
    expect(world.oracle.acknowledged).toBe(301)
  },
)
