// What is shown as delivered in a group was delivered: who came back gets headers of what was said
// meanwhile, and nothing that it says of those makes anybody believe that it has them.
import { expect, test } from 'vitest'
import { Team } from '../sim/group-team.ts'
import { World } from '../sim/world.ts'

test(
  'what was said while somebody was out is not delivered by its return',
  { timeout: 60_000 },
  async () => {
    const world = new World('said without')
    const { simulation } = world
    await world.relay()
    const alice = await world.person('alice')
    const bob = await world.person('bob')
    const team = new Team(world)
    await team.gather([alice, bob])
    const { groups, chats } = alice.machine.program.node
    await simulation.settle(groups.remove('#team', bob.address))
    const text = await team.say(alice)
    const id = team.said.at(-1)?.id ?? ''
    await team.join(bob, await team.link(alice))
    const later = await team.say(alice)
    expect(await team.settled([alice, bob])).toEqual([])
    await simulation.run(600_000)
    const shown = await team.read(bob)
    expect(shown.map((one) => [one.kind, one.text])).toEqual([
      ['absent', 'said while you were not in the group'],
      ['text', later],
    ])
    const stateOf = async (words: string) =>
      (await team.read(alice)).find((one) => one.text === words)?.state
    expect(await stateOf(text)).toBe('relayed')
    expect(await stateOf(later)).toBe('delivered')
    const why = await simulation.settle(chats.why(id))
    expect(why.steps.map(({ what }) => what)).toEqual(['queued', 'relayed'])
    expect(why.missing).toEqual([])
  },
)
