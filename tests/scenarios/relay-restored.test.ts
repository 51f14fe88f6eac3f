import { expect, test } from 'vitest'
import { World } from '../sim/world.ts'

test.each([
  ['marked as restored', true],
  ['put back behind its back', false],
])('a relay on an old copy of its disk, %s, loses nothing', async (_, marked) => {
  const world = new World(`relay restored ${marked}`)
  const relay = await world.relay()
  const alice = await world.person('alice')
  const bob = await world.person('bob')
  await world.introduce(alice, bob)
  await world.sendMany(bob, alice, 5)
  await world.simulation.run(20_000)
  const old = relay.machine.disk().copy()
  await world.stop(bob)
  await world.sendMany(alice, bob, 20)
  await world.simulation.run(20_000)
  await world.simulation.settle(relay.machine.stop())
  relay.machine.disk().restore(old)
  if (marked) await relay.markRestored()
  await world.simulation.settle(relay.machine.start())
  await world.simulation.run(60_000)
  await world.start(bob)
  expect(await world.settled(3 * 86_400_000)).toEqual([])
  expect(world.oracle.acknowledged).toBe(25)
})
