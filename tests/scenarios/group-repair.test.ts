// Keys that are lacking, by the rules of SPEC.md §20.8, each in whole nodes: who acts, when, and at what cost.
import { describe, expect, test } from 'vitest'
import { encodeAddress } from '../../crypto/index.ts'
import { nativeCrypto } from '../../node/native-crypto.ts'
import { durableOperations } from '../sim/node-machine.ts'
import { SEED_ANSWER_INTERVAL_MS } from '../../protocol/group-limits.ts'
import { heldEpochs, loseKeys } from '../sim/lost-key.ts'
import { Team } from '../sim/group-team.ts'
import { type Person, World } from '../sim/world.ts'

const REPAIR_WAIT_MS = 30_000
/** Delay of the third of three, and what goes by on the way. */
const SOON_MS = 15_000

async function group(seed: string) {
  const world = new World(seed)
  const { simulation } = world
  await world.relay()
  const [alice, bob, carol] = [
    await world.person('alice'),
    await world.person('bob'),
    await world.person('carol'),
  ]
  const team = new Team(world)
  const { id: gid, link } = await team.gather([alice, bob, carol])
  for (const one of [alice, bob, carol]) await team.say(one)
  expect(await team.settled([alice, bob, carol])).toEqual([])
  const nodeOf = ({ machine }: Person) => machine.program.node
  /** Who made operations of a kind, as somebody's disk has them. */
  const made = async (kind: string, seenBy: Person): Promise<readonly string[]> => {
    const ops = await durableOperations(simulation, seenBy.machine, gid)
    const by = ops.filter(({ payload }) => payload.kind === kind).map(({ account }) => account)
    return by.map((account) => {
      const address = encodeAddress(nativeCrypto, account)
      return world.people.find((one) => one.address === address)?.name ?? address
    })
  }
  /** Lets time pass until somebody's disk has one more operation of a kind; how long that took. */
  const untilMade = async (kind: string, seenBy: Person): Promise<number> => {
    const before = (await made(kind, seenBy)).length
    const startMs = simulation.clock.elapsedMs
    while ((await made(kind, seenBy)).length === before) {
      if (simulation.clock.elapsedMs - startMs > 300_000) throw new Error(`no ${kind}`)
      await simulation.run(250)
    }
    return simulation.clock.elapsedMs - startMs
  }
  /** The newest key is gone from a disk; its node is down then. */
  const lose = async (person: Person): Promise<void> => {
    const [newest] = await heldEpochs(simulation, person, gid)
    // Receipts are out: its author has wiped the seed.
    await simulation.run(60_000)
    await world.stop(person)
    await loseKeys(simulation, person, gid, newest ?? '')
  }
  return { world, simulation, team, gid, link, alice, bob, carol, nodeOf, made, untilMade, lose }
}

describe('R1, a lost key', () => {
  test('is asked of its author, who refreshes at once, by one operation', async () => {
    const { world, team, alice, bob, carol, nodeOf, made, untilMade, lose } = await group('R1')
    await world.simulation.settle(nodeOf(alice).groups.rotate('#team'))
    // The operation may have come before its seed, and been asked for: that counts no more by then.
    await world.simulation.run(SEED_ANSWER_INTERVAL_MS)
    await lose(bob)
    await team.say(alice)
    await world.start(bob)
    expect(await untilMade('refresh', bob)).toBeLessThan(SOON_MS)
    expect(await team.settled([alice, bob, carol])).toEqual([])
    await world.simulation.run(600_000)
    expect(await made('refresh', bob)).toEqual(['alice'])
  })

  test('is made good by another holder, who gave the author its time, by one operation', async () => {
    const { world, team, alice, bob, carol, nodeOf, made, untilMade, lose } = await group('R1 away')
    await world.simulation.settle(nodeOf(alice).groups.rotate('#team'))
    await world.simulation.run(10_000)
    await lose(bob)
    await world.stop(alice)
    await team.say(carol)
    await world.start(bob)
    const tookMs = await untilMade('refresh', bob)
    expect(tookMs).toBeGreaterThan(REPAIR_WAIT_MS)
    expect(tookMs).toBeLessThan(2 * REPAIR_WAIT_MS + SOON_MS)
    expect(await team.settled([bob, carol])).toEqual([])
    await world.start(alice)
    expect(await team.settled([alice, bob, carol])).toEqual([])
    expect(await made('refresh', bob)).toEqual(['carol'])
  })
})

test('R2: who has no key to send with makes new ones, after the others had their time', async () => {
  const { world, team, alice, bob, carol, nodeOf, made, untilMade, lose } = await group('R2')
  const { simulation } = world
  // Every key that carol has from before is one that bob has too.
  await simulation.settle(nodeOf(alice).groups.remove('#team', bob.address))
  await team.until(carol, ({ members }) => members.length === 2)
  await simulation.run(10_000)
  await lose(carol)
  await world.stop(alice)
  await world.start(carol)
  await team.say(carol)
  expect((await team.view(carol))?.waiting).toBe(1)
  const tookMs = await untilMade('rotate', carol)
  expect(tookMs).toBeGreaterThan(REPAIR_WAIT_MS - 1_000)
  expect(tookMs).toBeLessThan(REPAIR_WAIT_MS + SOON_MS)
  await team.until(carol, ({ waiting }) => waiting === 0)
  await world.start(alice)
  expect(await team.settled([alice, carol])).toEqual([])
  expect(await made('rotate', carol)).toEqual(['carol'])
})

test('R3: of two who were added at once both get a key that all have, in one or two operations', async () => {
  const { world, simulation, team, gid, alice, bob, carol, nodeOf, made } = await group('R3')
  await simulation.settle(nodeOf(alice).groups.role(gid, bob.address, 'admin'))
  const [dave, erin] = [await world.person('dave'), await world.person('erin')]
  await world.introduce(alice, dave)
  await world.introduce(bob, erin)
  await team.until(bob, ({ role }) => role === 'admin')
  const relay = ['relay1']
  simulation.partition(['alice', 'courier of alice', 'bob', 'courier of bob'], relay)
  await simulation.settle(nodeOf(alice).groups.add(gid, dave.address))
  await simulation.settle(nodeOf(bob).groups.add(gid, erin.address))
  simulation.heal()
  const people = [alice, bob, carol, dave, erin]
  for (const one of people) await team.until(one, ({ members }) => members.length === 5)
  await simulation.run(REPAIR_WAIT_MS + SOON_MS)
  const refreshes = await made('refresh', alice)
  expect(refreshes.length).toBeGreaterThan(0)
  expect(refreshes.length).toBeLessThanOrEqual(2)
  for (const one of people) await team.say(one)
  expect(await team.settled(people)).toEqual([])
  const epochs = new Set<string | undefined>()
  for (const one of people) epochs.add((await team.view(one))?.epoch)
  expect(epochs.size).toBe(1)
})
