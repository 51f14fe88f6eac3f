import { expect, test } from 'vitest'
import { World } from '../sim/world.ts'

test('an invite is answered while who made it is offline, and both meet through the relay', async () => {
  const world = new World('offline inviter')
  await world.relay()
  const alice = await world.person('alice')
  const bob = await world.person('bob')
  const link = await world.invite(bob)
  await world.stop(bob)
  const { contacts } = alice.machine.program.node
  await world.simulation.settle(contacts.add(link, { name: 'bob' }))
  await world.sendMany(alice, bob, 3)
  await world.simulation.run(60_000)
  await world.stop(alice)
  await world.start(bob)
  await world.simulation.run(10_000)
  await world.send(bob, alice)
  await world.simulation.run(10_000)
  await world.stop(bob)
  await world.start(alice)
  await world.simulation.run(10_000)
  await world.start(bob)
  expect(await world.settled()).toEqual([])
})
