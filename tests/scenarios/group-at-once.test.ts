// Two admins who do not hear of each other: two removals at once, each of the other, and an add of
// somebody whom the other side removes (SPEC.md §19.4).
import { describe, expect, test } from 'vitest'
import { Team } from '../sim/group-team.ts'
import { type Person, World } from '../sim/world.ts'

type Five = readonly [Person, Person, Person, Person, Person]

/** alice owns, bob and carol are admins, dave and erin members; two sides that share no relay. */
async function halves(seed: string) {
  const world = new World(seed)
  const relay = await world.relay()
  const other = await world.relay()
  const people: Person[] = []
  for (const name of ['alice', 'bob', 'carol', 'dave', 'erin']) {
    people.push(await world.person(name))
  }
  const five = people as unknown as Five
  const [alice, bob, carol] = five
  const team = new Team(world)
  await team.create(alice)
  const link = await team.link(alice)
  for (const person of people.slice(1)) await team.join(person, link)
  const { groups } = alice.machine.program.node
  for (const admin of [bob, carol]) {
    await world.simulation.settle(groups.role('#team', admin.address, 'admin'))
    await team.until(admin, ({ role }) => role === 'admin')
  }
  for (const person of people) await team.until(person, ({ members }) => members.length === 5)
  expect(await team.settled(people)).toEqual([])
  const part = (): void => {
    const names = [relay.machine.name, 'alice', 'bob', 'dave']
    world.simulation.partition(names, [other.machine.name, 'carol', 'erin'])
  }
  const remove = (by: Person, whom: Person): Promise<unknown> =>
    world.simulation.settle(by.machine.program.node.groups.remove('#team', whom.address))
  return { world, team, five, part, remove }
}

describe('what two admins do at once', () => {
  test('each removes the other: the senior one stays', { timeout: 120_000 }, async () => {
    const { world, team, five, part, remove } = await halves('mutual')
    const [alice, bob, carol, dave, erin] = five
    part()
    await remove(bob, carol)
    // Carol, an admin since later, removes bob and goes on talking to whom she has left.
    await expect(remove(carol, bob)).rejects.toMatchObject({ code: 'NOT_ADMIN' })
    await remove(carol, dave)
    await team.say(carol)
    await team.say(bob)
    await world.simulation.run(90_000)
    world.simulation.heal()
    await team.until(carol, ({ state }) => state === 'removed')
    // What carol did without knowing that she was out is void: dave never left.
    const inside = [alice, bob, dave, erin]
    for (const person of inside) await team.until(person, ({ members }) => members.length === 4)
    for (const person of inside) await team.say(person)
    expect(await team.settled(inside)).toEqual([])
    const ids = (await team.read(carol)).map(({ text }) => text)
    expect(ids).not.toContain(team.said.at(-1)?.text)
  })

  test('two removals of two people both stand', { timeout: 120_000 }, async () => {
    const { world, team, five, part, remove } = await halves('two removals')
    const [alice, bob, carol, dave, erin] = five
    part()
    await remove(bob, erin)
    await remove(carol, dave)
    await team.say(alice)
    await team.say(carol)
    await world.simulation.run(90_000)
    world.simulation.heal()
    for (const gone of [dave, erin]) await team.until(gone, ({ state }) => state === 'removed')
    const inside = [alice, bob, carol]
    for (const person of inside) await team.until(person, ({ members }) => members.length === 3)
    for (const person of inside) await team.say(person)
    expect(await team.settled(inside)).toEqual([])
  })

  test(
    'one is taken back while another side removes it: it is in',
    { timeout: 120_000 },
    async () => {
      const { world, team, five, part, remove } = await halves('add and remove')
      const [alice, bob, carol, dave, erin] = five
      part()
      await remove(alice, dave)
      await team.until(dave, ({ state }) => state === 'removed')
      await team.join(dave, await team.link(alice))
      await remove(carol, dave)
      await team.say(carol)
      await team.say(dave)
      await world.simulation.run(90_000)
      world.simulation.heal()
      // A removal that did not know of the new grant leaves it standing.
      const all = [alice, bob, carol, dave, erin]
      for (const person of all) await team.until(person, ({ members }) => members.length === 5)
      for (const person of all) await team.say(person)
      await world.simulation.run(120_000)
      const last = team.said.slice(-5).map(({ text }) => text)
      for (const person of all) {
        const shown = (await team.read(person)).map(({ text }) => text)
        expect(last.filter((text) => !shown.includes(text))).toEqual([])
      }
    },
  )
})
