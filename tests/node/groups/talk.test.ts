// Three people over one relay: create, join by link, talk, remove (SPEC.md §21).
import { afterEach, describe, expect, it } from 'vitest'
import { type TestNetwork, type TestRelay, createTestNetwork } from '../../../node/test-network.ts'
import { groupIs, messageIn } from './wait.ts'

let network: TestNetwork

afterEach(() => network.close())

async function three(relay: TestRelay) {
  const relays = [relay]
  const alice = await network.node('alice', { relays, listens: false })
  const bob = await network.node('bob', { relays, listens: false })
  const carol = await network.node('carol', { relays, listens: false })
  return { alice, bob, carol }
}

async function grouped(relay: TestRelay) {
  const nodes = await three(relay)
  const { alice, bob, carol } = nodes
  await alice.groups.create('team')
  const { link } = await alice.groups.invite('#team', { reusable: true })
  await bob.groups.join(link)
  await carol.groups.join(link)
  await Promise.all(
    [alice, bob, carol].map((node) => groupIs(node, (one) => one.members.length === 3)),
  )
  return nodes
}

describe('a group of three over one relay', () => {
  it('is created, joined by link, and talked in', async () => {
    network = createTestNetwork()
    const relay = await network.relay()
    const { alice, bob, carol } = await three(relay)
    const group = await alice.groups.create('team')
    expect(group).toMatchObject({ name: 'team', state: 'joined', role: 'owner' })
    const { link } = await alice.groups.invite('#team', { reusable: true })
    await bob.groups.join(link)
    await carol.groups.join(link)
    const joined = await Promise.all([
      groupIs(bob, (one) => one.state === 'joined' && one.members.length === 3),
      groupIs(carol, (one) => one.state === 'joined' && one.members.length === 3),
      groupIs(alice, (one) => one.members.length === 3),
    ])
    expect(joined.map(({ id }) => id)).toEqual([group.id, group.id, group.id])
    expect(joined.map(({ name }) => name)).toEqual(['team', 'team', 'team'])
    // A group makes no contacts.
    expect(await bob.contacts.list()).toEqual([])
    expect(await alice.contacts.list()).toEqual([])

    const sent = await alice.chats.send('#team', 'hello all')
    await Promise.all([messageIn(bob, 'hello all'), messageIn(carol, 'hello all')])
    await bob.chats.send('#team', 'hello from bob')
    await carol.chats.send('#team', 'hello from carol')
    await Promise.all(
      [alice, bob, carol].map(async (node) => {
        await messageIn(node, 'hello from bob')
        await messageIn(node, 'hello from carol')
      }),
    )
    const orders = await Promise.all(
      [alice, bob, carol].map(async (node) =>
        (await node.chats.messages('#team')).map(({ id }) => id),
      ),
    )
    expect(orders[1]).toEqual(orders[0])
    expect(orders[2]).toEqual(orders[0])
    await alice.chats.waitFor(sent.id, 'relayed')
  })

  it('removes one of them, who reads what was said before and nothing after', async () => {
    network = createTestNetwork()
    const relay = await network.relay()
    const { alice, bob, carol } = await grouped(relay)
    await bob.chats.send('#team', 'before')
    await Promise.all([messageIn(alice, 'before'), messageIn(carol, 'before')])

    const left = await alice.groups.remove('#team', bob.name)
    expect(left.members.map(({ name }) => name).sort()).toEqual(['alice', 'carol'])
    await groupIs(bob, (one) => one.state === 'removed')
    await groupIs(carol, (one) => one.members.length === 2)
    await alice.chats.send('#team', 'after')
    await messageIn(carol, 'after')
    await carol.chats.send('#team', 'after too')
    await messageIn(alice, 'after too')
    await bob.settle(2_000)
    const read = (await bob.chats.messages('#team')).map(({ text }) => text)
    expect(read).toEqual(['before'])
    await expect(bob.chats.send('#team', 'still here')).rejects.toMatchObject({
      code: 'NOT_MEMBER',
    })
  })

  it('takes one back, who misses what was said in between and nothing later', async () => {
    network = createTestNetwork()
    const relay = await network.relay()
    const { alice, bob, carol } = await grouped(relay)
    await bob.chats.send('#team', 'before')
    await messageIn(alice, 'before')
    await alice.groups.remove('#team', bob.name)
    await groupIs(bob, (one) => one.state === 'removed')
    await alice.chats.send('#team', 'in between')
    await messageIn(carol, 'in between')
    const { link } = await alice.groups.invite('#team')
    await bob.groups.join(link)
    await groupIs(bob, (one) => one.state === 'joined')
    await groupIs(carol, (one) => one.members.length === 3)
    await bob.chats.send('#team', 'back')
    await carol.chats.send('#team', 'welcome')
    await messageIn(alice, 'back')
    await messageIn(bob, 'welcome')
    const read = (await bob.chats.messages('#team')).map(({ text }) => text)
    expect(read.sort()).toEqual(['back', 'before', 'welcome'])
    const { missing } = await bob.groups.get('#team')
    expect(missing).toBe(0)
  })
})
