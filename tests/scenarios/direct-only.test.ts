import { expect, test } from 'vitest'
import { World } from '../sim/world.ts'

test('two who can dial each other need no relay, through resets and a crash of each', async () => {
  const world = new World('direct only')
  const alice = await world.person('alice', { direct: true })
  const bob = await world.person('bob', { direct: true })
  await world.introduce(alice, bob)
  await world.sendMany(alice, bob, 20)
  await world.simulation.run(40)
  world.simulation.reset('alice', 'bob')
  await world.sendMany(bob, alice, 20)
  await world.simulation.run(300)
  bob.machine.crash()
  await world.sendMany(alice, bob, 5)
  await world.start(bob)
  await world.simulation.run(500)
  alice.machine.crash({ keepsAll: true })
  await world.simulation.run(20_000)
  await world.start(alice)
  expect(await world.settled()).toEqual([])
  expect(world.oracle.acknowledged).toBe(45)
})
