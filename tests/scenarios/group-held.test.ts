// What comes and does not open is named, and a member who floods costs nobody else a message.
import { expect, test } from 'vitest'
import type { Group } from '../../node/api-groups.ts'
import { heldEpochs, loseKeys } from '../sim/lost-key.ts'
import { Team } from '../sim/group-team.ts'
import { World } from '../sim/world.ts'

const FLOOD = 80
const HELD = 64

test(
  'what waits for a key is named by author and asked for, and a flood pushes nothing out',
  { timeout: 300_000 },
  async () => {
    const world = new World('held by name')
    const { simulation } = world
    await world.relay()
    const alice = await world.person('alice')
    const bob = await world.person('bob')
    const carol = await world.person('carol')
    const team = new Team(world)
    const { id: gid } = await team.gather([alice, bob, carol])
    for (const one of [alice, bob, carol]) await team.say(one)
    expect(await team.settled([alice, bob, carol])).toEqual([])
    await simulation.settle(alice.machine.program.node.groups.rotate('#team'))
    await simulation.run(120_000)
    const [newest = ''] = await heldEpochs(simulation, bob, gid)
    await world.stop(bob)
    await loseKeys(simulation, bob, gid, newest, true)
    // Carol floods, then alice says one thing; both go away before bob is there.
    for (let i = 0; i < FLOOD; i++) await team.say(carol)
    await simulation.run(30_000)
    await team.say(alice)
    await simulation.run(30_000)
    await world.stop(carol)
    await world.stop(alice)
    await world.start(bob)
    await team.until(bob, ({ held }) => held > HELD)
    await simulation.run(60_000)
    const shown = await team.view(bob)
    const of = (name: string) => shown?.waits.find((one) => one.name === name)
    const operation = newest.slice(0, 16)
    expect(of('carol')).toMatchObject({ waitsFor: 'key', operation, count: HELD, numbers: [] })
    expect(of('alice')).toMatchObject({ waitsFor: 'key', operation, numbers: [] })
    expect(of('alice')?.places).not.toEqual([])
    const asked = of('alice')?.asked.map(({ name }) => name) ?? []
    expect([...new Set(asked)].sort()).toEqual(['alice', 'carol'])
    expect(shown?.problem).toMatch(/^\d+ that came wait for a key/u)
    // Alice has all of it. What was held and what was not comes, and nothing is held any more.
    await world.start(alice)
    expect(await team.settled([alice, bob])).toEqual([])
    await world.start(carol)
    const isDone = ({ held, gaps }: Group): boolean => held === 0 && gaps.length === 0
    await team.until(bob, isDone, 3 * 3_600_000)
    expect(await team.settled([alice, bob, carol])).toEqual([])
  },
)
