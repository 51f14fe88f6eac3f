// Members who are directly connected hear each other live, with no relay in between (SPEC.md §22).
import { afterEach, expect, it } from 'vitest'
import { type TestNetwork, createTestNetwork } from '../../../node/test-network.ts'
import { groupIs, messageIn } from './wait.ts'

let network: TestNetwork

afterEach(() => network.close())

it('contacts in a group talk over gossip while its relay is away', async () => {
  network = createTestNetwork()
  const relay = await network.relay()
  const alice = await network.node('alice', { relays: [relay] })
  const bob = await network.node('bob', { relays: [relay] })
  await network.introduce(alice, bob)
  await alice.groups.create('team')
  await alice.groups.add('#team', 'bob')
  await groupIs(bob, (one) => one.state === 'joined')
  // One word over the direct stream, so that there is a connection for gossip to run over.
  await alice.chats.send('bob', 'are you there?')
  await messageIn(bob, 'are you there?')
  await alice.chats.send('#team', 'before')
  await messageIn(bob, 'before')
  await relay.close()
  const sent = await bob.chats.send('#team', 'live')
  expect((await messageIn(alice, 'live')).from.address).toBe(bob.address)
  expect((await bob.chats.why(sent.id)).steps.map(({ what }) => what)).toContain('queued')
})
