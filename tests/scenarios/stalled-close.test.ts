import { expect, test } from 'vitest'
import { World } from '../sim/world.ts'

test('a node closes within five seconds although what it says reaches nobody', async () => {
  const world = new World('stalled close')
  await world.relay()
  const alice = await world.person('alice', { direct: true })
  const bob = await world.person('bob', { direct: true })
  await world.introduce(alice, bob)
  world.simulation.stall('alice', 'bob')
  world.simulation.stall('alice', 'relay1')
  await world.sendMany(alice, bob, 20)
  await world.simulation.run(3_000)
  const startMs = world.simulation.clock.elapsedMs
  await world.stop(alice)
  expect(world.simulation.clock.elapsedMs - startMs).toBeLessThan(5_000)
  world.simulation.heal()
  await world.start(alice)
  expect(await world.settled()).toEqual([])
})
