import { expect, test } from 'vitest'
import { World } from '../sim/world.ts'

test('a relay that crashes between commit and reply is asked again, and keeps one copy', async () => {
  const world = new World('relay crashes')
  const relay = await world.relay()
  const alice = await world.person('alice')
  const bob = await world.person('bob')
  await world.introduce(alice, bob)
  await world.stop(bob)
  for (let step = 0; step < 40; step++) {
    await world.send(alice, bob)
    for (let i = 0; i < step; i++) await world.simulation.step()
    relay.machine.crash({ keepsAll: true })
    await world.simulation.run(1_000)
    await world.simulation.settle(relay.machine.start())
    await world.simulation.run(5_000)
  }
  await world.start(bob)
  expect(await world.settled()).toEqual([])
  expect(world.oracle.acknowledged).toBe(40)
})
