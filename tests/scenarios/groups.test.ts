// Groups through partitions, absences and crashes (SPEC.md §21).
import { expect, test } from 'vitest'
import { Team } from '../sim/group-team.ts'
import { type Person, World } from '../sim/world.ts'

const DAY_MS = 86_400_000

async function teamOf(seed: string, names: readonly string[]) {
  const world = new World(seed)
  const relay = await world.relay()
  const people: Person[] = []
  for (const name of names) people.push(await world.person(name))
  const team = new Team(world)
  const [first, ...others] = people
  if (first === undefined) throw new Error('nobody')
  await team.gather([first, ...others])
  return { world, relay, team, people }
}

test('members who joined by link talk, and see one order', { timeout: 60_000 }, async () => {
  const { team, people } = await teamOf('talk', ['alice', 'bob', 'carol', 'dave'])
  for (let round = 0; round < 5; round++) for (const person of people) await team.say(person)
  expect(await team.settled(people)).toEqual([])
})

test(
  'a removal that crosses messages and another removal in a partition ends alike everywhere',
  { timeout: 120_000 },
  async () => {
    const { world, relay, team, people } = await teamOf('partition', [
      'alice',
      'bob',
      'carol',
      'dave',
      'erin',
    ])
    const [alice, bob, carol, dave, erin] = people as [Person, Person, Person, Person, Person]
    await world.simulation.settle(
      alice.machine.program.node.groups.role('#team', bob.address, 'admin'),
    )
    await team.until(bob, ({ role }) => role === 'admin')
    world.simulation.partition([relay.machine.name, 'alice', 'carol'], ['bob', 'dave', 'erin'])
    await world.simulation.settle(alice.machine.program.node.groups.remove('#team', dave.address))
    await team.say(alice)
    await team.say(carol)
    await team.say(bob)
    await team.say(dave)
    await world.simulation.settle(bob.machine.program.node.groups.remove('#team', erin.address))
    await team.say(bob)
    await world.simulation.run(60_000)
    world.simulation.heal()
    await team.until(dave, ({ state }) => state === 'removed')
    await team.until(erin, ({ state }) => state === 'removed')
    for (const person of [alice, bob, carol]) {
      await team.until(person, ({ members }) => members.length === 3)
      await team.say(person)
    }
    expect(await team.settled([alice, bob, carol])).toEqual([])
  },
)

test(
  'one who was away for five weeks is brought up to date, and writes again',
  { timeout: 120_000 },
  async () => {
    const { world, relay, team, people } = await teamOf('absence', ['alice', 'bob', 'carol'])
    const [alice, bob, carol] = people as [Person, Person, Person]
    await team.say(carol)
    expect(await team.settled(people)).toEqual([])
    await world.stop(carol)
    for (let week = 0; week < 5; week++) {
      for (const person of [alice, bob]) for (let i = 0; i < 3; i++) await team.say(person)
      await world.simulation.run(120_000)
      // Weeks pass quickly while nobody runs.
      for (const person of [alice, bob]) await world.stop(person)
      await world.simulation.settle(relay.machine.stop())
      await world.simulation.run(7 * DAY_MS)
      await world.simulation.settle(relay.machine.start())
      for (const person of [alice, bob]) await world.start(person)
      await world.simulation.run(120_000)
    }
    await world.start(carol)
    await world.simulation.run(60_000)
    await team.say(alice)
    expect(await team.settled(people, 2 * DAY_MS)).toEqual([])
    await team.say(carol)
    expect(await team.settled(people, 2 * DAY_MS)).toEqual([])
  },
)

test.each(['create', 'join', 'remove', 'say'] as const)(
  'a crash at any step of %s leaves all of it or nothing',
  { timeout: 240_000 },
  async (what) => {
    const { world, team, people } = await teamOf(`crash ${what}`, ['alice', 'bob', 'carol'])
    const [alice, bob, carol] = people as [Person, Person, Person]
    for (let step = 0; step < 24; step += 1) {
      const link = await team.link(alice)
      const { groups, chats } = alice.machine.program.node
      const ignore = (): void => undefined
      if (what === 'create') groups.create(`other ${step}`).catch(ignore)
      if (what === 'remove') groups.remove('#team', carol.address).catch(ignore)
      if (what === 'say') chats.send('#team', `step ${step}`).catch(ignore)
      if (what === 'join') {
        await world.simulation.settle(groups.remove('#team', carol.address)).catch(ignore)
        await team.until(carol, ({ state }) => state === 'removed')
        carol.machine.program.node.groups.join(link).catch(ignore)
      }
      for (let i = 0; i < step * 3; i++) await world.simulation.step()
      alice.machine.crash({ keepsAll: step % 2 === 0 })
      await world.start(alice)
      await world.simulation.run(3_000)
      const group = await team.view(alice)
      if (what === 'remove' && group?.members.length === 2) {
        await team.until(carol, ({ state }) => state === 'removed')
        await team.join(carol, await team.link(alice))
      }
      if (what === 'join') await team.until(carol, ({ state }) => state === 'joined')
    }
    for (const person of people) {
      await team.until(person, ({ members }) => members.length === 3)
      await team.say(person)
    }
    expect(await team.settled([alice, bob, carol])).toEqual([])
  },
)

test('a group whose relay died for good goes on at another one', { timeout: 120_000 }, async () => {
  const world = new World('dead relay')
  const first = await world.relay()
  const second = await world.relay()
  const carol = await world.person('carol', { relays: [first.address] })
  const alice = await world.person('alice', { relays: [first.address, second.address] })
  const bob = await world.person('bob', { relays: [second.address] })
  const team = new Team(world)
  await team.gather([carol, alice, bob])
  const { groups } = carol.machine.program.node
  await world.simulation.settle(groups.role('#team', alice.address, 'admin'))
  await team.until(alice, ({ role, members }) => role === 'admin' && members.length === 3)
  expect(await team.settled([alice, bob, carol])).toEqual([])
  await world.simulation.settle(first.machine.stop())
  await team.say(alice)
  await team.say(bob)
  expect(await team.settled([alice, bob])).toEqual([])
  const [relay] = (await team.view(alice))?.relays ?? []
  await team.until(alice, ({ relays }) => relays[0] !== relay)
  await team.until(bob, ({ relays }) => relays[0] !== relay)
  const text = await team.say(bob)
  expect(await team.settled([alice, bob])).toEqual([])
  const heard = (await team.read(alice)).find((one) => one.text === text)
  expect(heard?.from.address).toBe(bob.address)
  // Once its relay is back the third finds the way as well.
  await world.simulation.settle(first.machine.start())
  expect(await team.settled([alice, bob, carol])).toEqual([])
})
