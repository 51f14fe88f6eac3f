import { expect, test } from 'vitest'
import type { Person } from '../sim/oracle.ts'
import { World } from '../sim/world.ts'

const contactAt = async (world: World, of: Person, name: string) =>
  world.simulation.settle(of.machine.program.node.contacts.get(name))

test('a relay that signs and drops is doubted, shown as such, and its copy is awaited last', async () => {
  const world = new World('lying relay')
  const liar = await world.relay()
  const honest = await world.relay()
  const alice = await world.person('alice')
  const bob = await world.person('bob')
  await world.introduce(alice, bob)
  // The other one is away: what the liar drops nobody has, and what it hands on later shows that.
  await world.simulation.settle(honest.machine.stop())
  liar.lies.drops = true
  await world.send(alice, bob)
  await world.simulation.run(120_000)
  liar.lies.drops = false
  await world.send(alice, bob)
  await world.simulation.run(180_000)
  await world.simulation.settle(honest.machine.start())
  expect(await world.settled()).toEqual([])
  const { relays, warnings } = await contactAt(world, alice, 'bob')
  const doubted = relays.filter(({ doubts }) => doubts > 0)
  expect(relays.length).toBe(2)
  expect(doubted.length).toBe(1)
  expect(liar.address.startsWith(`${doubted[0]?.address}/p2p/`)).toBe(true)
  expect(warnings.map(({ code }) => code)).toEqual(['RELAY_DOUBTED'])
  const status = await world.simulation.settle(alice.machine.program.node.status())
  expect(status.recent).toMatchObject([{ code: 'RELAY_DOUBTED', chat: 'bob' }])
  // From now on the other one has each message first.
  await world.stop(bob)
  const { chats } = alice.machine.program.node
  for (let i = 0; i < 5; i++) {
    const id = await world.send(alice, bob)
    await world.simulation.settle(chats.waitFor(id, 'relayed', { timeoutMs: 60_000 }))
    const first = (await world.simulation.settle(chats.why(id))).steps.filter(
      ({ what }) => what === 'relayed',
    )
    expect(first.map(({ by }) => by)).not.toContain(`relay ${doubted[0]?.service}`)
    await world.simulation.run(10_000)
    // It has its copy too: it may yet be the only one that is there.
    const { steps } = await world.simulation.settle(chats.why(id))
    expect(steps.filter(({ what }) => what === 'relayed').length).toBe(2)
  }
  await world.start(bob)
  expect(await world.settled()).toEqual([])
})
