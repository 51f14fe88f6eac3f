// Somebody joins in the moment its node starts, before it has a mailbox of its own to be answered in.
import { expect, test } from 'vitest'
import { Team } from '../sim/group-team.ts'
import { World } from '../sim/world.ts'

test.each([0, 1, 4, 8])(
  'who joins before its first mailbox is open is let in: seed %i',
  { timeout: 60_000 },
  async (seed) => {
    const world = new World(`adder lost ${seed}`)
    await world.relay()
    const alice = await world.person('alice')
    const team = new Team(world)
    await team.create(alice)
    const link = await team.link(alice)
    const bob = await world.person('bob')
    await team.join(bob, link)
    for (const person of [alice, bob]) await team.say(person)
    expect(await team.settled([alice, bob])).toEqual([])
  },
)
