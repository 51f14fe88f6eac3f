// A removal cuts off what a member had read already: it stays there, marked, and who had not read it
// does not get it.
import { expect, test } from 'vitest'
import { Team } from '../sim/group-team.ts'
import { type Person, World } from '../sim/world.ts'

test('what was shown before a removal came stays, marked', { timeout: 60_000 }, async () => {
  const world = new World('behind a removal')
  const { simulation } = world
  await world.relay()
  const alice = await world.person('alice')
  const bob = await world.person('bob')
  const dave = await world.person('dave')
  const people = [alice, bob, dave]
  const team = new Team(world)
  await team.gather([alice, bob, dave])
  await team.say(dave)
  expect(await team.settled(people)).toEqual([])
  const shown = async (person: Person, id: string) =>
    (await team.read(person)).find((one) => one.id === id)
  const before = team.said.at(-1)?.id ?? ''
  await world.stop(alice)
  await team.say(dave)
  const after = team.said.at(-1)?.id ?? ''
  await simulation.run(60_000)
  expect((await shown(bob, after))?.kind).toBe('text')
  // She removes him without having read it.
  simulation.partition(
    ['alice'],
    ['bob', 'dave', ...world.relays.map(({ machine }) => machine.name)],
  )
  await world.start(alice)
  const { groups } = alice.machine.program.node
  await simulation.settle(groups.remove('#team', dave.address))
  simulation.heal()
  await team.until(bob, ({ members }) => members.length === 2)
  await simulation.run(600_000)
  expect(await shown(bob, after)).toMatchObject({ kind: 'text', behindRemoval: true })
  expect((await shown(bob, before))?.behindRemoval).toBeUndefined()
  expect((await shown(alice, after))?.kind ?? 'absent').toBe('absent')
  expect((await shown(alice, before))?.kind).toBe('text')
  // What rests on it closes for her as well: nothing is missing, and the order is one.
  await team.say(bob)
  expect(await team.settled([alice, bob])).toEqual([])
  expect((await team.read(alice)).at(-1)).toMatchObject({ id: team.said.at(-1)?.id, open: false })
})
