// What members of a group, and who was one, get by asking and saying things (SPEC.md §20.8, §21.8).
import { expect, test } from 'vitest'
import { fromHex } from '../../crypto/index.ts'
import type { Core } from '../../node/core.ts'
import { encodeFrames, frameOf, frontierFrame, seedRequestFrame } from '../../protocol/index.ts'
import { syncRequestFrame } from '../../protocol/content/sync-request.ts'
import { enqueue } from '../../protocol/delivery/outbox.ts'
import type { Frame } from '../../protocol/frames.ts'
import { Team } from '../sim/group-team.ts'
import { heldEpochs } from '../sim/lost-key.ts'
import { World } from '../sim/world.ts'

async function group(seed: string) {
  const world = new World(seed)
  const { simulation } = world
  await world.relay()
  const cores = new Map<string, Core>()
  const person = (name: string) =>
    world.person(name, { onStart: (core) => void cores.set(name, core) })
  const [alice, bob, carol] = [await person('alice'), await person('bob'), await person('carol')]
  const team = new Team(world)
  const { id } = await team.gather([alice, bob, carol])
  for (const one of [alice, bob, carol]) await team.say(one)
  expect(await team.settled([alice, bob, carol])).toEqual([])
  const coreOf = (name: string): Core => {
    const core = cores.get(name)
    if (core === undefined) throw new Error('a node that runs')
    return core
  }
  const send = async (from: string, to: string, frame: Frame): Promise<void> => {
    const { device } = coreOf(to).self
    const notice = { kind: 'notice', frames: encodeFrames([frame]), untilHeard: false } as const
    await simulation.settle(coreOf(from).ledger.run((turn) => enqueue(turn, device, notice)))
    await simulation.run(120_000)
  }
  return { world, simulation, team, id, gid: fromHex(id), alice, bob, carol, coreOf, send }
}

test('who was removed is given no key and no entry for asking', async () => {
  const { simulation, team, id, gid, alice, bob, carol, coreOf, send } = await group('asks')
  const { groups } = alice.machine.program.node
  await simulation.settle(groups.remove('#team', carol.address))
  await team.until(bob, ({ members }) => members.length === 2)
  await team.say(alice)
  const [newest] = await heldEpochs(simulation, alice, id)
  const before = await heldEpochs(simulation, carol, id)
  const read = (await team.read(carol)).length
  expect(before).not.toContain(newest)
  const opId = fromHex(newest ?? '')
  await send('carol', 'alice', frameOf(seedRequestFrame, { group: gid, opId, heads: [] }))
  const author = coreOf('alice').self.device
  const ranges = [{ author, from: 1, to: 9 }]
  const question = { req: 7, conversation: gid, ranges, ids: [] }
  await send('carol', 'alice', frameOf(syncRequestFrame, question))
  expect(await heldEpochs(simulation, carol, id)).toEqual(before)
  expect((await team.read(carol)).length).toBe(read)
})

test('what one says of another who wrote declares nothing missing', async () => {
  const { simulation, team, gid, alice, carol, coreOf, send } = await group('claims')
  const author = coreOf('carol').self.device
  const authors = [{ author, n: 2 ** 40, id: gid, missing: [], forks: [] }]
  const claim = { conversation: gid, authors, heads: [] }
  await send('bob', 'alice', frameOf(frontierFrame, claim))
  await simulation.run(600_000)
  expect((await team.view(alice))?.gaps).toEqual([])
  await team.say(carol)
  expect(await team.settled([alice, carol])).toEqual([])
})
