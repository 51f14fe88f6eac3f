// A profile leaves a relay that is well and holds something for it: nothing of that is lost.
import { expect, test } from 'vitest'
import { World } from '../sim/world.ts'

test('what lies at a relay that is left is handed over again where its owner is now', async () => {
  const world = new World('relay left')
  const { simulation } = world
  const first = await world.relay()
  const alice = await world.person('alice')
  const bob = await world.person('bob')
  await world.introduce(alice, bob)
  expect(await world.settled()).toEqual([])
  const next = await world.relay()
  // Bob cannot fetch what Alice leaves for him, and leaves the relay in that moment.
  simulation.partition(['bob'], ['relay1'])
  for (let i = 0; i < 3; i++) await world.send(alice, bob)
  await simulation.run(5_000)
  const { relays } = bob.machine.program.node
  await simulation.settle(relays.add(next.address))
  await simulation.settle(relays.remove(first.address))
  simulation.heal()
  expect(await world.settled()).toEqual([])
})
