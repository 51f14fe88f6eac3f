// When a group says that nobody has something any more: only after everybody who may have it said so.
import { expect, test } from 'vitest'
import { fromHex } from '../../crypto/index.ts'
import type { GroupGap } from '../../node/api-groups.ts'
import type { Core } from '../../node/core.ts'
import { noteHead } from '../../protocol/index.ts'
import { Team } from '../sim/group-team.ts'
import { type Person, World } from '../sim/world.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

async function group(seed: string) {
  const world = new World(seed)
  await world.relay()
  const cores = new Map<string, Core>()
  const person = (name: string): Promise<Person> =>
    world.person(name, { onStart: (core) => void cores.set(name, core) })
  const [alice, bob, carol] = [await person('alice'), await person('bob'), await person('carol')]
  const people = [alice, bob, carol]
  const team = new Team(world)
  const { id, link } = await team.gather([alice, bob, carol])
  for (const one of people) await team.say(one)
  expect(await team.settled(people)).toEqual([])
  /** What carol's device would have told bob: how far it wrote. */
  const told = async (n: number): Promise<void> => {
    const [bobs, carols] = [cores.get('bob'), cores.get('carol')]
    if (bobs === undefined || carols === undefined) throw new Error('nodes that run')
    const { device } = carols.self
    const noted = bobs.ledger.run((turn) => noteHead(turn, fromHex(id), device, n))
    await world.simulation.settle(noted)
  }
  const gaps = async (person: Person): Promise<readonly GroupGap[]> =>
    (await team.view(person))?.gaps ?? []
  return { world, team, link, alice, bob, carol, people, told, gaps }
}

test('what its author may still have is missing, however long the author is away', async () => {
  const { world, team, bob, carol, people, told, gaps } = await group('author away')
  const { simulation } = world
  simulation.partition(['carol', 'courier of carol'], ['alice', 'bob', 'relay1'])
  await team.say(carol)
  await team.say(carol)
  await world.stop(carol)
  await told(3)
  await simulation.run(3 * DAY_MS)
  expect(await gaps(bob)).toEqual([
    expect.objectContaining({
      name: 'carol',
      from: 2,
      to: 3,
      irretrievable: false,
      authorAway: true,
    }),
  ])
  simulation.heal()
  await world.start(carol)
  expect(await team.settled(people, HOUR_MS)).toEqual([])
  expect(await gaps(bob)).toEqual([])
})

test('what everybody was asked for and has not is named so, and missing again with whoever comes', async () => {
  const { world, team, link, bob, carol, told, gaps } = await group('nobody has it')
  const { simulation } = world
  await told(3)
  await simulation.run(2 * HOUR_MS)
  const lost = { name: 'carol', from: 2, to: 3, irretrievable: true, authorAway: false }
  expect(await gaps(bob)).toEqual([expect.objectContaining(lost)])
  // Its author writes on under a number that was given up.
  await team.say(carol)
  await simulation.run(60_000)
  expect(await gaps(bob)).toEqual([expect.objectContaining({ from: 3, to: 3 })])
  await simulation.run(2 * HOUR_MS)
  expect(await gaps(bob)).toEqual([expect.objectContaining({ from: 3, irretrievable: true })])
  // Somebody who was not asked yet may have it.
  const dave = await world.person('dave')
  await world.stop(bob)
  await team.join(dave, link)
  await world.stop(dave)
  await world.start(bob)
  await team.until(bob, ({ members }) => members.length === 4)
  await simulation.run(2 * HOUR_MS)
  expect(await gaps(bob)).toEqual([expect.objectContaining({ from: 3, irretrievable: false })])
  await world.start(dave)
  await simulation.run(DAY_MS)
  expect(await gaps(bob)).toEqual([expect.objectContaining({ from: 3, irretrievable: true })])
})
