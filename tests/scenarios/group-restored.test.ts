// A member's device is lost, and its account restored from the words: the group takes it back.
import { expect, test } from 'vitest'
import { createPhrase } from '../../crypto/index.ts'
import type { Group } from '../../node/api-groups.ts'
import { Team } from '../sim/group-team.ts'
import { Prng } from '../sim/prng.ts'
import { World } from '../sim/world.ts'

const HOUR_MS = 3_600_000

const phrase = createPhrase(new Prng('words').bytes)

test.each(['is a contact of the owner', 'is a contact of a member'] as const)(
  'who restored its account and %s has its groups again, and what was said in them',
  { timeout: 120_000 },
  async (whose) => {
    const world = new World(`restored ${whose}`)
    const { simulation } = world
    await world.relay()
    const alice = await world.person('alice')
    const carol = await world.person('carol')
    const bob = await world.person('bob', { phrase })
    const friend = whose === 'is a contact of the owner' ? alice : carol
    await world.introduce(friend, bob)
    const team = new Team(world)
    await team.gather([alice, carol, bob])
    for (let i = 0; i < 3; i++) for (const person of [alice, bob, carol]) await team.say(person)
    expect(await team.settled([alice, bob, carol])).toEqual([])
    bob.machine.crash({ keepsAll: false })
    for (const person of [alice, carol]) await team.say(person)
    await simulation.run(60_000)
    const again = await world.person('bob again', { phrase })
    expect(again.address).toBe(bob.address)
    const invite = await world.invite(friend)
    await simulation.settle(again.machine.program.node.contacts.add(invite, { name: 'friend' }))
    const isIn = ({ state, members }: Group): boolean => state === 'joined' && members.length === 3
    await team.until(again, isIn, 240_000)
    for (const person of [alice, carol, again]) await team.say(person)
    expect(await team.settled([alice, carol, again])).toEqual([])
    const texts = (await team.read(again)).map(({ text }) => text)
    expect(texts).toEqual(expect.arrayContaining(team.said.map(({ text }) => text)))
  },
)

test(
  'who restored its account and is found by a contact has its groups once it accepts it',
  { timeout: 240_000 },
  async () => {
    const world = new World('restored and found in a group')
    const { simulation } = world
    await world.relay()
    const alice = await world.person('alice')
    const bob = await world.person('bob', { phrase })
    await world.introduce(alice, bob)
    const team = new Team(world)
    await team.create(alice)
    await team.join(bob, await team.link(alice))
    await team.until(alice, ({ members }) => members.length === 2)
    for (const person of [alice, bob]) await team.say(person)
    expect(await team.settled([alice, bob])).toEqual([])
    bob.machine.crash({ keepsAll: false })
    const { chats } = alice.machine.program.node
    await simulation.settle(chats.send(bob.address, 'are you there?'))
    const again = await world.person('bob again', { phrase })
    const { requests } = again.machine.program.node
    const endMs = simulation.clock.elapsedMs + 48 * HOUR_MS
    while ((await simulation.settle(requests.list())).length === 0) {
      if (simulation.clock.elapsedMs > endMs) throw new Error('nobody finds it')
      await simulation.run(600_000)
    }
    // Whatever she sent of the group came from a stranger.
    await simulation.run(HOUR_MS)
    await simulation.settle(requests.accept(alice.address))
    await team.until(again, ({ state, members }) => state === 'joined' && members.length === 2)
    for (const person of [alice, again]) await team.say(person)
    expect(await team.settled([alice, again])).toEqual([])
  },
)
