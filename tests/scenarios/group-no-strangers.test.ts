// Members of a group who are no contacts hold capabilities for each other's mailboxes, told in the
// group: none of them is a stranger who must prove work.
import { expect, test } from 'vitest'
import { POW_MAX_BITS } from '../../protocol/relay/limits.ts'
import { Team } from '../sim/group-team.ts'
import { World } from '../sim/world.ts'

test('co-members write to each other where no stranger can', { timeout: 60_000 }, async () => {
  const world = new World('no-strangers')
  const { simulation } = world
  // More than any client does.
  await world.relay('strict', { depositBits: POW_MAX_BITS + 1 })
  const [alice, bob, carol, dave] = [
    await world.person('alice'),
    await world.person('bob'),
    await world.person('carol'),
    await world.person('dave'),
  ]
  const team = new Team(world)
  const { link } = await team.gather([alice, bob, carol])
  await team.join(dave, link)
  const all = [alice, bob, carol, dave]
  expect(await team.settled(all)).toEqual([])
  // New keys go from one member to each other over one-to-one sessions.
  for (const one of all) {
    await simulation.settle(one.machine.program.node.groups.rotate('#team'))
    await team.say(one)
    expect(await team.settled(all)).toEqual([])
  }
  for (const one of all) {
    const { errors } = await simulation.settle(one.machine.program.node.stats())
    expect([one.machine.name, errors]).toEqual([one.machine.name, {}])
  }
})
