// Whoever waits for a message is told what for, in every state; and what is told is so.
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { RunningNode } from '../../../node/create-node.ts'
import { type TestNetwork, createTestNetwork } from '../../../node/test-network.ts'

let net: TestNetwork

beforeEach(() => {
  net = createTestNetwork()
})
afterEach(() => net.close())

/** Resolves once the contact of a node is as wanted. */
async function contactIs(
  node: RunningNode,
  since: number,
  wanted: (contact: { readonly problem?: string; readonly state: string }) => boolean,
): Promise<void> {
  const signal = AbortSignal.timeout(10_000)
  for await (const event of node.events.since(since, { signal })) {
    if (event.event === 'contact' && wanted(event.contact)) return
  }
  throw new Error('it never was')
}

test('nobody was reached by the link yet', async () => {
  const alice = await net.node('alice')
  const bob = await net.node('bob')
  const { link } = await alice.invites.create()
  await alice.close()
  await bob.contacts.add(link, { name: 'alice' })
  const { id } = await bob.chats.send('alice', 'hello')
  const { state, missing } = await bob.chats.why(id)
  expect(state).toBe('queued')
  expect(missing.join()).toContain('keys of the contact are not here yet')
})

test('the link was used by somebody else', async () => {
  const [alice, bob, carol] = [
    await net.node('alice'),
    await net.node('bob'),
    await net.node('carol'),
  ]
  const { link } = await alice.invites.create()
  await carol.contacts.add(link, { name: 'alice' })
  await contactIs(alice, 0, ({ state }) => state === 'ready')
  await bob.contacts.add(link, { name: 'alice' })
  const { id } = await bob.chats.send('alice', 'hello')
  await contactIs(bob, 0, ({ problem }) => problem === 'INVITE_USED')
  expect((await bob.chats.why(id)).missing).toEqual([
    'the link was used, or taken back: ask for a new one, and add it',
  ])
})

test('one blocked, or took off the list, whom it was for', async () => {
  const [alice, bob] = await net.pair()
  await bob.close()
  const { id } = await alice.chats.send('bob', 'hello')
  await alice.contacts.block('bob', true)
  const blocked = await alice.chats.why(id)
  expect(blocked.state).toBe('failed')
  expect(blocked.missing).toEqual(['you blocked the contact: it goes out when you unblock it'])
  await alice.contacts.block('bob', false)
  await alice.contacts.remove('bob')
  expect((await alice.chats.why(id)).missing).toEqual([
    'you took the contact off the list: it goes out when you add it again',
  ])
})

test('the other side shuts its door', async () => {
  const [alice, bob] = await net.pair()
  // Behind where it is reached.
  const first = await bob.chats.send('alice', 'hello')
  await bob.chats.waitFor(first.id, 'delivered', { timeoutMs: 10_000 })
  await bob.contacts.block('alice', true)
  const { id } = await alice.chats.send('bob', 'hello')
  const { state, missing } = await alice.chats.why(id)
  expect(state).toBe('queued')
  expect(missing).toEqual([
    'neither the contact nor a relay of it was reached yet: it is tried again and again',
  ])
})

test('a relay holds it', async () => {
  const relay = await net.relay()
  const relays = [relay]
  const alice = await net.node('alice', { relays, listens: false })
  const bob = await net.node('bob', { relays, listens: false })
  await net.introduce(bob, alice)
  await bob.close()
  const { id } = await alice.chats.send('bob', 'hello')
  await alice.chats.waitFor(id, 'relayed', { timeoutMs: 10_000 })
  expect((await alice.chats.why(id)).missing).toEqual([
    'the contact has not fetched it from the relay yet',
  ])
})
