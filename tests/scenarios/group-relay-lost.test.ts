// The only relay of a group loses its store: with some away, who had not read what lay there.
import { describe, expect, test } from 'vitest'
import { toHex } from '../../crypto/index.ts'
import { Team } from '../sim/group-team.ts'
import { World } from '../sim/world.ts'

describe('a relay that carries a group', () => {
  test.each(['an old copy', 'nothing'] as const)(
    'starts again with %s: members have what it lost',
    { timeout: 120_000 },
    async (what) => {
      const world = new World(`group relay ${what}`)
      const { simulation } = world
      const relay = await world.relay()
      const alice = await world.person('alice')
      const bob = await world.person('bob')
      const carol = await world.person('carol')
      const people = [alice, bob, carol]
      const team = new Team(world)
      await team.gather([alice, bob, carol])
      expect(await team.settled(people)).toEqual([])
      const old = relay.copy()
      await world.stop(carol)
      for (let i = 0; i < 10; i++) for (const person of [alice, bob]) await team.say(person)
      await simulation.run(90_000)
      expect(await team.settled([alice, bob])).toEqual([])
      await simulation.settle(relay.machine.stop())
      relay.restore(what === 'nothing' ? [] : old)
      if (what !== 'nothing') await relay.markRestored()
      await simulation.settle(relay.machine.start())
      await simulation.run(10_000)
      await world.start(carol)
      expect(await team.settled(people, 12 * 3_600_000)).toEqual([])
      await team.say(carol)
      expect(await team.settled(people)).toEqual([])
    },
  )
})

describe('what a relay signed for and lost', () => {
  test.each(['an old copy', 'nothing'] as const)(
    'is deposited again by who wrote it, where it starts again with %s',
    { timeout: 120_000 },
    async (what) => {
      const world = new World(`custody ${what}`)
      const { simulation } = world
      const relay = await world.relay()
      const alice = await world.person('alice')
      const bob = await world.person('bob')
      const carol = await world.person('carol')
      const team = new Team(world)
      const { link } = await team.gather([alice, bob])
      expect(await team.settled([alice, bob])).toEqual([])
      const old = relay.copy()
      await world.stop(bob)
      const id = await team.say(alice).then(() => team.said.at(-1)?.id ?? '')
      const state = async (): Promise<string | undefined> =>
        (await team.read(alice)).find((one) => one.id === id)?.state
      while ((await state()) !== 'relayed') await simulation.run(100)
      // Long enough that nobody takes it for a relay that changes its mind.
      await simulation.run(3_600_000)
      // Who joined since is not told it, although the relay is.
      await team.join(carol, link)
      await team.until(alice, ({ members }) => members.length === 3)
      await simulation.run(60_000)
      await simulation.settle(relay.machine.stop())
      relay.restore(what === 'nothing' ? [] : old)
      if (what !== 'nothing') await relay.markRestored()
      await simulation.settle(relay.machine.start())
      await simulation.run(1_800_000)
      expect(await state()).toBe('relayed')
      for (const person of [alice, carol]) await world.stop(person)
      await world.start(bob)
      await simulation.run(600_000)
      expect((await team.read(bob)).map((one) => one.id)).toContain(id)
      await world.start(alice)
      await world.start(carol)
      expect(await team.settled([alice, bob, carol])).toEqual([])
    },
  )
})

test('who had that relay alone meets the others again by a new link of the group, and it moves', async () => {
  const world = new World('group relay gone')
  const { simulation } = world
  const gone = await world.relay()
  const alice = await world.person('alice')
  const bob = await world.person('bob')
  const people = [alice, bob] as const
  const team = new Team(world)
  await team.gather(people)
  expect(await team.settled(people)).toEqual([])
  gone.machine.crash()
  const next = await world.relay()
  const service = toHex(next.machine.program.service.serviceKey).slice(0, 8)
  for (const { machine } of people) {
    const { relays } = machine.program.node
    await simulation.settle(relays.add(next.address))
    await simulation.settle(relays.remove(gone.address))
  }
  const { chats, groups } = alice.machine.program.node
  await simulation.settle(groups.rotate('#team'))
  for (const person of people) await team.say(person)
  // Two lineages, each with a mailbox at that relay, and one trouble.
  const { id = '' } = team.said.findLast(({ text }) => text.startsWith('alice')) ?? {}
  await simulation.run(30_000)
  const { missing } = await simulation.settle(chats.why(id))
  expect(missing.filter((text) => text.startsWith('relay '))).toHaveLength(1)
  // It is answered that he is in already; where each of them is now goes with it.
  await team.join(bob, await team.link(alice))
  expect(await team.settled(people, 180_000)).toEqual([])
  await team.until(bob, ({ relays }) => relays.join() === service)
  for (const person of people) await team.say(person)
  expect(await team.settled(people, 60_000)).toEqual([])
})
