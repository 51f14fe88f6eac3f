// What members of a group, and who was one, get by asking and saying things (SPEC.md §20.8, §21.8).
import { expect, test } from 'vitest'
import { fromHex } from '../../crypto/index.ts'
import type { Core } from '../../node/core.ts'
import {
  encodeFrames,
  frameOf,
  frontierFrame,
  get,
  peers,
  seedRequestFrame,
} from '../../protocol/index.ts'
import { syncRequestFrame } from '../../protocol/content/sync-request.ts'
import { enqueue } from '../../protocol/delivery/outbox.ts'
import type { Frame } from '../../protocol/frames.ts'
import { openEntriesOf } from '../../protocol/groups/open-entries.ts'
import { syncAsked } from '../../protocol/groups/sync-state.ts'
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
  /** Asks for what another wrote, as a node does that takes whatever comes for it. */
  const askFor = async (from: string, to: string, last: number): Promise<void> => {
    const [device, req] = [coreOf(to).self.device, 7]
    const asked = { req, question: new Uint8Array(8), hasNone: false }
    await simulation.settle(
      coreOf(from).ledger.run(function* (turn) {
        turn.put(syncAsked, { gid: fromHex(id), device }, asked)
      }),
    )
    const ranges = [{ author: device, from: 1, to: last }]
    const question = { req, conversation: fromHex(id), ranges, ids: [] }
    await send(from, to, frameOf(syncRequestFrame, question))
  }
  const send = async (from: string, to: string, frame: Frame): Promise<void> => {
    const { device } = coreOf(to).self
    const notice = { kind: 'notice', frames: encodeFrames([frame]), untilHeard: false } as const
    await simulation.settle(coreOf(from).ledger.run((turn) => enqueue(turn, device, notice)))
    await simulation.run(120_000)
  }
  return { world, simulation, team, id, gid: fromHex(id), alice, bob, carol, coreOf, send, askFor }
}

test('who was removed is given no key and no entry for asking', async () => {
  const { world, simulation, team, id, gid, ...more } = await group('asks')
  const { alice, bob, carol, coreOf, send, askFor } = more
  const { groups } = alice.machine.program.node
  await simulation.settle(groups.remove('#team', carol.address))
  await team.until(bob, ({ members }) => members.length === 2)
  await team.say(alice)
  // An epoch that extends another: its secret is kept, as that of a fresh one is not.
  const dave = await world.person('dave')
  await team.join(dave, await team.link(alice))
  await team.until(bob, ({ members }) => members.length === 3)
  const before = await heldEpochs(simulation, carol, id)
  const read = (await team.read(carol)).length
  const held = await heldEpochs(simulation, alice, id)
  const later = held.filter((one) => !before.includes(one))
  expect(later.length).toBeGreaterThan(1)
  // Secrets come in numbered frames alone.
  const { device } = coreOf('carol').self
  const peerOf = () => coreOf('alice').ledger.run(() => get(peers, device))
  const numbered = (await simulation.settle(peerOf()))?.numberedSent
  for (const one of later) {
    const request = { group: gid, opId: fromHex(one), heads: [] }
    await send('carol', 'alice', frameOf(seedRequestFrame, request))
  }
  await askFor('carol', 'alice', 9)
  expect((await simulation.settle(peerOf()))?.numberedSent).toBe(numbered)
  expect(await heldEpochs(simulation, carol, id)).toEqual(before)
  expect((await team.read(carol)).length).toBe(read)
  // Nor one that waits for operations that are not told either.
  const waiting = coreOf('carol').ledger.run(() => openEntriesOf(gid))
  expect(await simulation.settle(waiting)).toEqual([])
})

test('who was taken back is given no text from in between for asking', async () => {
  const { simulation, team, alice, bob, carol, askFor } = await group('taken back')
  const { groups } = alice.machine.program.node
  await simulation.settle(groups.remove('#team', carol.address))
  await team.until(bob, ({ members }) => members.length === 2)
  const between = await team.say(alice)
  await team.until(carol, ({ state }) => state === 'removed')
  await team.join(carol, await team.link(alice))
  const after = await team.say(alice)
  expect(await team.settled([alice, bob, carol])).toEqual([])
  await askFor('carol', 'alice', 9)
  const read = (await team.read(carol)).map(({ text }) => text)
  expect(read).toContain(after)
  expect(read).not.toContain(between)
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
