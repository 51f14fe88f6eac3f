// Whoever adds somebody is gone for good right after: wherever its work ended, the others finish it.
import { expect, test } from 'vitest'
import { Team } from '../sim/group-team.ts'
import { type Person, World } from '../sim/world.ts'

/** Steps of the simulation before and after the adder's log has the adding. */
const BEFORE = 6
const AFTER = 10

/** How far the adding came when the adder went, as the others see it half an hour later. */
type Outcome = 'nothing' | 'in'

interface Asked {
  readonly world: World
  readonly team: Team
  readonly alice: Person
  readonly others: readonly Person[]
  readonly dave: Person
}

/** A team of three, and a fourth who has just asked to join: the same each time. */
async function asked(): Promise<Asked> {
  const world = new World('adder lost')
  await world.relay()
  const alice = await world.person('alice')
  const bob = await world.person('bob')
  const carol = await world.person('carol')
  const dave = await world.person('dave')
  const others = [bob, carol]
  const team = new Team(world)
  const { link } = await team.gather([alice, ...others])
  await team.settled([alice, ...others])
  dave.machine.program.node.groups.join(link).catch(() => undefined)
  return { world, team, alice, others, dave }
}

/** How many steps it takes until the adder knows that there are four. */
async function stepsToKnow(): Promise<number> {
  const { world, team, alice } = await asked()
  for (let steps = 0; ; steps++) {
    if ((await team.view(alice))?.members.length === 4) return steps
    await world.simulation.step()
  }
}

async function goneAfter(step: number): Promise<Outcome> {
  const { world, team, alice, others, dave } = await asked()
  const { simulation } = world
  for (let i = 0; i < step; i++) {
    // Looking takes its turn, as it did when the steps were counted.
    await team.view(alice)
    await simulation.step()
  }
  alice.machine.crash({ keepsAll: false })
  await simulation.run(1_800_000)
  const sizes: number[] = []
  for (const person of others) sizes.push((await team.view(person))?.members.length ?? 0)
  const state = (await team.view(dave))?.state
  if (sizes.every((size) => size === 3)) {
    expect(state).toBe('joining')
    return 'nothing'
  }
  expect([step, ...sizes, state]).toEqual([step, 4, 4, 'joined'])
  for (const person of [...others, dave]) await team.say(person)
  expect(await team.settled([...others, dave])).toEqual([])
  return 'in'
}

test('the newcomer and all members talk, or nothing happened', { timeout: 600_000 }, async () => {
  const outcomes = new Set<Outcome>()
  const known = await stepsToKnow()
  for (let step = known - BEFORE; step < known + AFTER; step++) outcomes.add(await goneAfter(step))
  expect([...outcomes].sort()).toEqual(['in', 'nothing'])
})

test(
  'a newcomer alone knows of its adding, and tells the others',
  { timeout: 60_000 },
  async () => {
    const world = new World('adder told nobody')
    const { simulation } = world
    const first = await world.relay()
    const second = await world.relay()
    const alice = await world.person('alice', { relays: [first.address] })
    const bob = await world.person('bob', { relays: [first.address] })
    const dave = await world.person('dave', { relays: [second.address] })
    const team = new Team(world)
    const { link } = await team.gather([alice, bob])
    expect(await team.settled([alice, bob])).toEqual([])
    dave.machine.program.node.groups.join(link).catch(() => undefined)
    while ((await team.view(alice))?.members.length !== 3) await simulation.step()
    // She reaches the newcomer's relay, and the group's no more.
    simulation.partition(['alice'], [first.machine.name])
    await team.until(dave, ({ state }) => state === 'joined')
    alice.machine.crash({ keepsAll: false })
    expect((await team.view(bob))?.members).toHaveLength(2)
    await team.until(bob, ({ members }) => members.length === 3)
    for (const person of [bob, dave]) await team.say(person)
    expect(await team.settled([bob, dave])).toEqual([])
  },
)

/** Alice and Bob in a group at one relay, and a contact of hers at another. */
async function contactElsewhere(name: string) {
  const world = new World(name)
  const { simulation } = world
  const first = await world.relay()
  const second = await world.relay()
  const alice = await world.person('alice', { relays: [first.address] })
  const bob = await world.person('bob', { relays: [first.address] })
  const dave = await world.person('dave', { relays: [second.address] })
  await world.introduce(alice, dave)
  const team = new Team(world)
  await team.gather([alice, bob])
  return { simulation, second, alice, bob, dave, team }
}

test(
  'a contact is added by who is gone then, and comes in all the same',
  { timeout: 60_000 },
  async () => {
    const { simulation, second, alice, bob, dave, team } =
      await contactElsewhere('contact of adder lost')
    expect(await team.settled([alice, bob])).toEqual([])
    // She reaches the group's relay, and the one of her contact no more.
    simulation.partition(['alice'], [second.machine.name])
    const { groups } = alice.machine.program.node
    await simulation.settle(groups.add('#team', dave.address))
    await team.until(bob, ({ members }) => members.length === 3)
    alice.machine.crash({ keepsAll: false })
    await team.until(dave, ({ state }) => state === 'joined')
    for (const person of [bob, dave]) await team.say(person)
    expect(await team.settled([bob, dave])).toEqual([])
  },
)

test(
  'a newcomer whom others welcome misses nothing of what was said before it came',
  { timeout: 120_000 },
  async () => {
    const { simulation, second, alice, bob, dave, team } =
      await contactElsewhere('base of adder lost')
    for (let i = 0; i < 3; i++) for (const person of [alice, bob]) await team.say(person)
    expect(await team.settled([alice, bob])).toEqual([])
    simulation.partition(['alice'], [second.machine.name])
    const { groups } = alice.machine.program.node
    await simulation.settle(groups.add('#team', dave.address))
    await team.until(bob, ({ members }) => members.length === 3)
    // The helper's log has gone on by then, with what is said to the newcomer as well.
    const toDave = [await team.say(bob), await team.say(alice)]
    await simulation.run(10_000)
    alice.machine.crash({ keepsAll: false })
    await team.until(dave, ({ state }) => state === 'joined')
    for (let i = 0; i < 40; i++) {
      const view = await team.view(dave)
      expect([view?.missing, view?.gaps]).toEqual([0, []])
      await simulation.run(3_000)
    }
    await team.say(dave)
    expect(await team.settled([bob, dave])).toEqual([])
    const shown = (await team.read(dave)).flatMap(({ text }) => (text === undefined ? [] : [text]))
    expect(shown).toEqual(expect.arrayContaining(toDave))
  },
)
