// How long the keys of a group live on the disk of a whole node (SPEC.md §20.6): 14 days after they were
// superseded, and not before its mailboxes were read since then.
import { expect, test } from 'vitest'
import { EPOCH_KEEP_MS } from '../../protocol/group-limits.ts'
import { Team } from '../sim/group-team.ts'
import { durableEpochs } from '../sim/node-machine.ts'
import { World } from '../sim/world.ts'

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

async function rotated(seed: string) {
  const world = new World(seed)
  const { simulation } = world
  const relay = await world.relay()
  const alice = await world.person('alice')
  const bob = await world.person('bob')
  const team = new Team(world)
  await team.create(alice)
  await team.join(bob, await team.link(alice))
  await team.until(alice, ({ members }) => members.length === 2)
  await team.say(alice)
  await team.say(bob)
  expect(await team.settled([alice, bob])).toEqual([])
  const epochs = (): Promise<readonly number[]> =>
    Promise.all([alice, bob].map(({ machine }) => durableEpochs(simulation, machine)))
  const before = await epochs()
  expect(Math.min(...before)).toBeGreaterThan(0)
  const old = (await team.view(bob))?.epoch
  await simulation.settle(alice.machine.program.node.groups.rotate('#team'))
  await team.until(bob, ({ epoch }) => epoch !== old)
  await simulation.run(60_000)
  const after = await epochs()
  expect(after).toEqual(before.map((count) => count + 1))
  return { world, relay, team, people: [alice, bob], epochs, after }
}

/** Time in which nobody runs: what a node does hourly is cheap, two weeks of it are not. */
async function asleep(world: World, ms: number): Promise<void> {
  for (const person of world.people) await world.stop(person)
  await world.simulation.run(ms)
  for (const person of world.people) await world.start(person)
}

test('keys go 14 days after a fresh epoch superseded them, and not before', async () => {
  const { world, team, people, epochs, after } = await rotated('keys in time')
  await asleep(world, EPOCH_KEEP_MS - DAY_MS)
  await world.simulation.run(3 * HOUR_MS)
  expect(await epochs()).toEqual(after)
  await asleep(world, DAY_MS)
  await world.simulation.run(3 * HOUR_MS)
  expect(await epochs()).toEqual([1, 1])
  // What was said under them stays, and the group goes on.
  await team.say(people[1] ?? expect.fail())
  expect(await team.settled(people)).toEqual([])
}, 120_000)

test('keys stay for as long as a mailbox was not read since, and go once it was', async () => {
  const { world, relay, team, people, epochs, after } = await rotated('keys of an absence')
  const { simulation } = world
  await simulation.settle(relay.machine.stop())
  await asleep(world, EPOCH_KEEP_MS + DAY_MS)
  await simulation.run(3 * HOUR_MS)
  expect(await epochs()).toEqual(after)
  await simulation.settle(relay.machine.start())
  await simulation.run(3 * HOUR_MS)
  expect(await epochs()).toEqual([1, 1])
  await team.say(people[0] ?? expect.fail())
  expect(await team.settled(people)).toEqual([])
}, 120_000)
