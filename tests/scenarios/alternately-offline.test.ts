import { expect, test } from 'vitest'
import { World } from '../sim/world.ts'

test('two who are never online at once write to each other through the relay', async () => {
  const world = new World('alternately offline')
  await world.relay()
  const alice = await world.person('alice')
  const bob = await world.person('bob')
  await world.introduce(alice, bob)
  await world.stop(bob)
  for (let day = 0; day < 6; day++) {
    const [here, there] = day % 2 === 0 ? [alice, bob] : [bob, alice]
    await world.sendMany(here, there, 10)
    await world.simulation.run(60_000)
    await world.stop(here)
    await world.simulation.run(86_400_000)
    await world.start(there)
    await world.simulation.run(60_000)
  }
  await world.start(bob)
  expect(await world.settled()).toEqual([])
  expect(world.oracle.acknowledged).toBe(60)
})
