// Whoever made a link goes away after handing it out: the join waits, and nobody else is kept waiting.
import { expect, test } from 'vitest'
import { Team } from '../sim/group-team.ts'
import { World } from '../sim/world.ts'

test('a join waits for the maker of its link, for days', { timeout: 60_000 }, async () => {
  const world = new World('creator away')
  const { simulation } = world
  await world.relay()
  const alice = await world.person('alice')
  const bob = await world.person('bob')
  const carol = await world.person('carol')
  const team = new Team(world)
  const { link } = await team.gather([alice, bob])
  expect(await team.settled([alice, bob])).toEqual([])
  // Each has told the others by now where it is reached.
  await simulation.run(60_000)
  await world.stop(alice)
  await simulation.settle(carol.machine.program.node.groups.join(link))
  await team.say(bob)
  await simulation.run(2 * 3_600_000)
  expect((await team.view(carol))?.state).toBe('joining')
  // The asker goes as well: each of them alone is there, one after the other.
  await world.stop(carol)
  await simulation.run(3_600_000)
  await world.start(alice)
  await team.until(alice, ({ members }) => members.length === 3)
  await simulation.run(60_000)
  await world.stop(alice)
  await world.start(carol)
  await team.until(carol, ({ state, members }) => state === 'joined' && members.length === 3)
  await team.say(carol)
  await team.say(bob)
  expect(await team.settled([bob, carol])).toEqual([])
  await world.start(alice)
  expect(await team.settled([alice, bob, carol])).toEqual([])
})
