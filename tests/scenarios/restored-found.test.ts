// Somebody loses a device and restores the account from its 24 words, and knows nobody any more: the
// friend's node finds the new device by the card at the rendezvous mailbox, and what waited arrives.
import { expect, test } from 'vitest'
import type { Message } from '../../node/api.ts'
import { nodeMachine } from '../sim/node-machine.ts'
import { World } from '../sim/world.ts'
import { createPhrase } from '../../crypto/index.ts'
import { Prng } from '../sim/prng.ts'

const HOUR_MS = 3_600_000

async function eventually(world: World, holds: () => Promise<boolean>, patienceMs: number) {
  const endMs = world.simulation.clock.elapsedMs + patienceMs
  while (!(await world.simulation.settle(holds()))) {
    if (world.simulation.clock.elapsedMs > endMs) return false
    await world.simulation.run(10 * 60_000)
  }
  return true
}

test(
  'what was written to a lost device reaches the restored account, once, and both talk on',
  { timeout: 120_000 },
  async () => {
    const world = new World('restored and found')
    const { simulation } = world
    await world.relay()
    const relays = world.relays.map(({ address }) => address)
    const phrase = createPhrase(new Prng('words').bytes)
    const bob = await world.person('bob')
    const lost = nodeMachine(simulation, { name: 'alice', relays, phrase })
    await simulation.settle(lost.start())
    await simulation.run(60_000)
    const { link } = await simulation.settle(lost.program.node.invites.create())
    const bobs = bob.machine.program.node
    await simulation.settle(bobs.contacts.add(link, { name: 'alice' }))
    const isReady = async (): Promise<boolean> =>
      (await bobs.contacts.list()).every(({ state }) => state === 'ready')
    expect(await eventually(world, isReady, HOUR_MS)).toBe(true)
    const address = lost.program.node.address
    const { id: first } = await simulation.settle(bobs.chats.send('alice', 'before the loss'))
    await simulation.settle(bobs.chats.waitFor(first, 'delivered', { timeoutMs: 60_000 }))

    // The laptop is gone. Bob writes on.
    lost.crash()
    const { id: second } = await simulation.settle(bobs.chats.send('alice', 'are you there?'))
    await simulation.run(2 * HOUR_MS)
    expect((await simulation.settle(bobs.chats.why(second))).state).toBe('relayed')

    // Ten days later she has a new one, and her 24 words.
    await simulation.run(10 * 24 * HOUR_MS)
    const found = nodeMachine(simulation, { name: 'alice anew', relays, phrase })
    await simulation.settle(found.start())
    const alices = found.program.node
    expect(alices.address).toBe(address)
    const isWaiting = async (): Promise<boolean> => (await alices.requests.list()).length === 1
    expect(await eventually(world, isWaiting, 30 * HOUR_MS)).toBe(true)
    await simulation.settle(alices.requests.accept(bobs.address))
    const texts = (messages: readonly Message[]): readonly string[] =>
      messages.map(({ text }) => text)
    expect(texts(await simulation.settle(alices.chats.messages(bobs.address)))).toEqual([
      'are you there?',
    ])
    const isDelivered = async (): Promise<boolean> =>
      (await bobs.chats.why(second)).state === 'delivered'
    expect(await eventually(world, isDelivered, HOUR_MS)).toBe(true)
    const { id: answer } = await simulation.settle(alices.chats.send(bobs.address, 'here again'))
    const isAnswered = async (): Promise<boolean> =>
      (await alices.chats.why(answer)).state === 'delivered'
    expect(await eventually(world, isAnswered, HOUR_MS)).toBe(true)
    expect(texts(await simulation.settle(bobs.chats.messages('alice')))).toEqual([
      'before the loss',
      'are you there?',
      'here again',
    ])
    expect((await simulation.settle(bobs.contacts.list())).length).toBe(1)
  },
)
