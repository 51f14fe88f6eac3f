// A member is heard before the operation that added it: its keys must not be lost in requests.
import { expect, test } from 'vitest'
import { Team } from '../sim/group-team.ts'
import { World } from '../sim/world.ts'

test('a key from somebody whose adding is not known yet is kept', { timeout: 60_000 }, async () => {
  const world = new World('early member')
  const { simulation } = world
  const first = await world.relay()
  const second = await world.relay()
  const alice = await world.person('alice', { relays: [first.address] })
  const dave = await world.person('dave')
  const frank = await world.person('frank')
  const team = new Team(world)
  const { link } = await team.gather([alice, dave])
  expect(await team.settled([alice, dave])).toEqual([])
  // The relay that carries the group is out of reach for one, another of its relays is not.
  simulation.partition(['dave'], [first.machine.name])
  await team.join(frank, link)
  const { groups } = frank.machine.program.node
  await simulation.settle(groups.rotate('#team'))
  await simulation.run(120_000)
  expect((await team.view(dave))?.members).toHaveLength(2)
  simulation.heal()
  await team.until(dave, ({ members }) => members.length === 3)
  await team.say(alice)
  await team.say(frank)
  expect(await team.settled([alice, dave, frank])).toEqual([])
  const requests = await simulation.settle(dave.machine.program.node.requests.list())
  expect(requests).toEqual([])
  expect(second.machine.running).toBe(true)
})
