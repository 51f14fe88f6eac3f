// A relay whose clock is years behind keeps what it is given all the same, and its promise is shown.
import { expect, test } from 'vitest'
import { relayMachine } from '../sim/relay-machine.ts'
import { World } from '../sim/world.ts'

const YEAR_MS = 365 * 86_400_000

test('what a relay holds is shown as relayed, whatever year its clock shows', async () => {
  const world = new World('relay of another year')
  const relay = relayMachine(world.simulation, 'relay1', { ip: '10.1.0.1' })
  relay.machine.skewMs = -3 * YEAR_MS
  world.relays.push(relay)
  await world.simulation.settle(relay.machine.start())
  const alice = await world.person('alice')
  const bob = await world.person('bob')
  await world.introduce(alice, bob)
  await world.stop(bob)
  const id = await world.send(alice, bob)
  const { chats } = alice.machine.program.node
  const { state } = await world.simulation.settle(
    chats.waitFor(id, 'relayed', { timeoutMs: 60_000 }),
  )
  expect(state).toBe('relayed')
  await world.start(bob)
  expect(await world.settled()).toEqual([])
})
