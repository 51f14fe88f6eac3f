// People who know each other from a group only become contacts by a link, as anybody does.
import { afterEach, expect, it } from 'vitest'
import type { RunningNode } from '../../../node/create-node.ts'
import { systemClock } from '../../../node/clock.ts'
import { type TestNetwork, createTestNetwork } from '../../../node/test-network.ts'
import { groupIs, messageIn } from './wait.ts'

let network: TestNetwork

afterEach(() => network.close())

/** The only contact of a node, once it is ready. */
async function readyContact(node: RunningNode): Promise<string> {
  const signal = systemClock.timeout(15_000)
  const events = node.events.since(undefined, { signal })
  const now = (await node.contacts.list()).find((one) => one.state === 'ready')
  if (now !== undefined) return now.name
  for await (const event of events) {
    if (event.event === 'contact' && event.contact.state === 'ready') return event.contact.name
  }
  throw new Error(`no contact is ready: ${JSON.stringify(await node.contacts.list())}`)
}

async function grouped() {
  network = createTestNetwork()
  const relays = [await network.relay()]
  const alice = await network.node('alice', { relays, listens: false })
  const bob = await network.node('bob', { relays, listens: false })
  await alice.groups.create('team')
  const { link } = await alice.groups.invite('#team')
  await bob.groups.join(link)
  await groupIs(bob, (one) => one.state === 'joined' && one.members.length === 2)
  await groupIs(alice, (one) => one.members.length === 2)
  return { alice, bob, relays }
}

it.each(['creator invites', 'newcomer invites'])('of one group: %s', async (who) => {
  const { alice, bob } = await grouped()
  const [maker, adder] = who === 'creator invites' ? [alice, bob] : [bob, alice]
  const { link } = await maker.invites.create()
  await adder.contacts.add(link)
  const name = await readyContact(adder)
  await adder.chats.send(name, 'between us')
  await messageIn(maker, 'between us')
  await maker.chats.send(await readyContact(maker), 'yes')
  await messageIn(adder, 'yes')
})

it('of a group that one of them left', async () => {
  const { alice, bob } = await grouped()
  await bob.groups.leave('#team')
  await groupIs(alice, (one) => one.members.length === 1)
  const { link } = await alice.invites.create()
  await bob.contacts.add(link)
  await bob.chats.send(await readyContact(bob), 'still friends')
  await messageIn(alice, 'still friends')
})

it('who add each other at once', async () => {
  const { alice, bob } = await grouped()
  const mine = await alice.invites.create()
  const theirs = await bob.invites.create()
  await Promise.all([alice.contacts.add(theirs.link), bob.contacts.add(mine.link)])
  await alice.chats.send(await readyContact(alice), 'to bob')
  await bob.chats.send(await readyContact(bob), 'to alice')
  await messageIn(bob, 'to bob')
  await messageIn(alice, 'to alice')
})

it('whose link was used already stay as they were', async () => {
  const { alice, bob, relays } = await grouped()
  const carol = await network.node('carol', { relays, listens: false })
  const { link } = await alice.invites.create()
  await carol.contacts.add(link)
  await readyContact(carol)
  await bob.contacts.add(link)
  const signal = systemClock.timeout(15_000)
  for await (const event of bob.events.since(0, { signal })) {
    if (event.event === 'contact' && event.contact.problem !== undefined) break
  }
  expect(await bob.contacts.list()).toMatchObject([{ state: 'pending', problem: 'INVITE_USED' }])
  expect((await alice.contacts.list()).map(({ name }) => name)).toEqual(['carol'])
  // It is still called what it told its group.
  const { members } = await bob.groups.get('#team')
  expect(members.map(({ name }) => name).toSorted()).toEqual(['alice', 'bob'])
})
