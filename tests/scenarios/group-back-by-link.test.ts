// Who was removed comes back by a new link. A removal that another's new keys were concurrent with
// leaves it a mailbox of the group to read (SPEC.md §21.4), so it may read there that it was added
// before the answer to its question and the welcome come: it is in all the same, is not told that it
// was a member already, and takes the welcome.
import { expect, test } from 'vitest'
import { Team } from '../sim/group-team.ts'
import { World } from '../sim/world.ts'

test.each([1, 2, 3])(
  'comes back, whatever comes first: seed %i',
  { timeout: 60_000 },
  async (seed) => {
    const world = new World(`back by link ${seed}`)
    const { simulation } = world
    const [here, there] = [await world.relay(), await world.relay()]
    const alice = await world.person('alice')
    const bob = await world.person('bob', { relays: [there.address] })
    const dave = await world.person('dave', { relays: [there.address] })
    const team = new Team(world)
    await team.gather([alice, bob, dave])
    await simulation.run(60_000)
    simulation.partition([alice.name, here.machine.name], [bob.name, dave.name, there.machine.name])
    const nodeOf = (person: typeof alice) => person.machine.program.node
    await simulation.settle(nodeOf(alice).groups.remove('#team', dave.address))
    await simulation.settle(nodeOf(bob).groups.rotate('#team'))
    await simulation.run(10_000)
    simulation.heal()
    await team.until(dave, ({ state }) => state === 'removed')
    await team.until(bob, ({ members }) => members.length === 2)
    await team.say(bob)
    await simulation.run(60_000)
    const again = await team.link(alice)
    await simulation.settle(nodeOf(dave).groups.join(again))
    await team.until(alice, ({ members }) => members.length === 3)
    await simulation.run(60_000)
    const all = await simulation.settle(nodeOf(dave).groups.list())
    expect(all.map(({ state, problem }) => [state, problem])).toEqual([['joined', undefined]])
    await team.say(bob)
    await team.say(dave)
    expect(await team.settled([alice, bob, dave])).toEqual([])
    const absent = (await team.read(dave)).filter(({ kind }) => kind === 'absent')
    expect(new Set(absent.map(({ text }) => text))).toEqual(
      new Set(['said while you were not in the group']),
    )
  },
)
