// A direct link that somebody else used stands in nobody's way: its maker's group can be joined.
import { expect, test } from 'vitest'
import { Team } from '../sim/group-team.ts'
import { World } from '../sim/world.ts'

test(
  'who came too late by a direct link joins a group by another',
  { timeout: 60_000 },
  async () => {
    const world = new World('used link')
    const { simulation } = world
    await world.relay()
    const [alice, bob, carol] = [
      await world.person('alice'),
      await world.person('bob'),
      await world.person('carol'),
    ]
    const used = await world.invite(alice)
    const add = (person: typeof bob) =>
      simulation.settle(person.machine.program.node.contacts.add(used, { name: 'alice' }))
    await add(bob)
    await simulation.run(10_000)
    await add(carol)
    await simulation.run(10_000)
    const problems = async (): Promise<readonly unknown[]> => {
      const contacts = await simulation.settle(carol.machine.program.node.contacts.list())
      return contacts.map(({ state, problem }) => [state, problem])
    }
    expect(await problems()).toEqual([['pending', 'INVITE_USED']])
    const team = new Team(world)
    await team.create(alice)
    await team.join(carol, await team.link(alice))
    await team.say(carol)
    expect(await team.settled([alice, carol])).toEqual([])
    // It is still said why the contact goes no further.
    expect(await problems()).toEqual([['pending', 'INVITE_USED']])
  },
)
