// A contact who was away until its right to deposit had ended (SPEC.md §12.4): it still gets through,
// by the lane of strangers, and is no stranger there.
import { expect, test } from 'vitest'
import { decodeRequest } from '../../protocol/index.ts'
import { relayMachine } from '../sim/relay-machine.ts'
import { World } from '../sim/world.ts'
import { Recorder } from '../support/recording-host.ts'

const DAY_MS = 86_400_000

test(
  'a capability that ended leads into the lane of strangers, and its holder is no request there',
  { timeout: 60_000 },
  async () => {
    const world = new World('capability')
    const recorder = new Recorder()
    const relay = relayMachine(world.simulation, 'relay', { ip: '10.1.0.1', host: recorder.host })
    await world.simulation.settle(relay.machine.start())
    const relays = [relay.address]
    const alice = await world.person('alice', { relays })
    const bob = await world.person('bob', { relays })
    await world.introduce(bob, alice)
    await world.send(alice, bob)
    await world.send(bob, alice)
    expect(await world.settled()).toEqual([])
    for (const person of [alice, bob]) await world.stop(person)
    // 91 days: the capability of each has ended, and so has the lease of both mailboxes.
    // The relay is seldom up meanwhile, which spares this test its housekeeping.
    for (let month = 0; month < 3; month++) {
      await world.simulation.settle(relay.machine.stop())
      await world.simulation.run(30.5 * DAY_MS)
      await world.simulation.settle(relay.machine.start())
      await world.simulation.run(2 * 60_000)
    }
    const before = recorder.streams.length
    // Bob opens his mailbox again and goes: nobody tells Alice of a new capability.
    await world.start(bob)
    await world.simulation.run(60_000)
    await world.stop(bob)
    await world.start(alice)
    await world.send(alice, bob, 'after all this time')
    await world.simulation.run(5 * 60_000)
    const deposits = recorder.streams
      .slice(before)
      .flatMap(({ frames }) => frames.filter(({ from }) => from === 'client'))
      .flatMap(({ bytes }) => decodeRequest(bytes).ops)
      .flatMap((op) => (op.kind === 'deposit' ? [op.request] : []))
    expect(deposits.map(({ lane, auth }) => [lane, auth.kind])).toContainEqual([1, 'work'])
    await world.start(bob)
    await world.simulation.run(60_000)
    const { node } = bob.machine.program
    const [texts, requests] = await world.simulation.settle(
      Promise.all([node.chats.messages(alice.address, { limit: 20 }), node.requests.list()]),
    )
    expect(texts.map(({ text }) => text)).toContain('after all this time')
    expect(requests).toEqual([])
    expect((await world.simulation.settle(node.contacts.get(alice.address))).state).toBe('ready')
    expect(await world.settled()).toEqual([])
  },
)
