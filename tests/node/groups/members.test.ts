// Joining by approval, adding contacts, roles, names, leaving; who may do what (SPEC.md §21).
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RunningNode } from '../../../node/create-node.ts'
import { type TestNetwork, createTestNetwork } from '../../../node/test-network.ts'
import { groupIs, messageIn } from './wait.ts'

let network: TestNetwork
let alice: RunningNode
let bob: RunningNode
let carol: RunningNode

beforeEach(async () => {
  network = createTestNetwork()
  const relays = [await network.relay()]
  alice = await network.node('alice', { relays, listens: false })
  bob = await network.node('bob', { relays, listens: false })
  carol = await network.node('carol', { relays, listens: false })
})
afterEach(() => network.close())

async function join(node: RunningNode, link: string): Promise<void> {
  await node.groups.join(link)
  await groupIs(node, (one) => one.state === 'joined')
}

describe('a group whose joins need approval', () => {
  it('lets in whom an admin approves, and turns down whom one rejects', async () => {
    await alice.groups.create('club', { approval: true })
    const { link } = await alice.groups.invite('#club', { reusable: true })
    await bob.groups.join(link)
    const asked = await groupIs(alice, (one) => one.pending.length === 1)
    expect(asked.pending[0]).toMatchObject({ name: 'bob', address: bob.address })
    expect((await groupIs(bob, (one) => one.problem === 'PENDING')).state).toBe('joining')
    await alice.groups.approve('#club', 'bob')
    await groupIs(bob, (one) => one.state === 'joined' && one.members.length === 2)
    expect((await alice.groups.get('#club')).pending).toEqual([])

    await carol.groups.join(link)
    await groupIs(alice, (one) => one.pending.length === 1)
    await alice.groups.reject('#club', carol.address)
    const refused = await groupIs(carol, (one) => one.state === 'refused')
    expect(refused.problem).toBe('REFUSED')
  })

  it('lets another admin approve what its link maker told of', async () => {
    await alice.groups.create('club', { approval: true })
    const { link } = await alice.groups.invite('#club', { reusable: true })
    await bob.groups.join(link)
    await groupIs(alice, (one) => one.pending.length === 1)
    await alice.groups.approve('#club', 'bob')
    await groupIs(bob, (one) => one.state === 'joined')
    await alice.groups.role('#club', 'bob', 'admin')
    await groupIs(bob, (one) => one.role === 'admin')
    await carol.groups.join(link)
    await groupIs(bob, (one) => one.pending.length === 1)
    await bob.groups.approve('#club', 'carol')
    await groupIs(carol, (one) => one.state === 'joined' && one.members.length === 3)
    await groupIs(alice, (one) => one.members.length === 3 && one.pending.length === 0)
  })
})

describe('members', () => {
  it('are added as contacts without a link', async () => {
    await network.introduce(alice, bob)
    await alice.groups.create('team')
    await alice.groups.add('#team', 'bob')
    await groupIs(bob, (one) => one.state === 'joined' && one.name === 'team')
    await bob.chats.send('#team', 'hi')
    expect((await messageIn(alice, 'hi')).from.name).toBe('bob')
    await expect(alice.groups.add('#team', 'bob')).rejects.toMatchObject({ code: 'ALREADY_MEMBER' })
  })

  it('do what their role allows, and nothing else', async () => {
    await alice.groups.create('team')
    const { link } = await alice.groups.invite('#team', { reusable: true })
    await join(bob, link)
    await join(carol, link)
    await groupIs(bob, (one) => one.members.length === 3)
    const notAdmin = { code: 'NOT_ADMIN' }
    await expect(bob.groups.remove('#team', carol.address)).rejects.toMatchObject(notAdmin)
    await expect(bob.groups.rename('#team', 'mine')).rejects.toMatchObject(notAdmin)
    await expect(bob.groups.invite('#team')).rejects.toMatchObject(notAdmin)
    await expect(bob.groups.role('#team', bob.address, 'owner')).rejects.toMatchObject(notAdmin)
    await alice.groups.role('#team', bob.name, 'admin')
    await groupIs(bob, (one) => one.role === 'admin')
    await bob.groups.rename('#team', 'ours')
    await groupIs(carol, (one) => one.name === 'ours')
    await expect(carol.chats.send('#team', 'hello')).rejects.toMatchObject({
      code: 'UNKNOWN_GROUP',
      hint: 'It was renamed and is called #ours now.',
    })
    await expect(bob.groups.remove('#ours', alice.address)).rejects.toMatchObject(notAdmin)
    await bob.groups.remove('#ours', carol.address)
    await groupIs(carol, (one) => one.state === 'removed')
  })

  it('leave, but not as the last owner of others', async () => {
    await alice.groups.create('team')
    const { link } = await alice.groups.invite('#team', { reusable: true })
    await join(bob, link)
    await join(carol, link)
    await groupIs(alice, (one) => one.members.length === 3)
    await expect(alice.groups.leave('#team')).rejects.toMatchObject({ code: 'LAST_OWNER' })
    const left = await bob.groups.leave('#team')
    expect(left.state).toBe('left')
    await groupIs(alice, (one) => one.members.length === 2)
    await groupIs(carol, (one) => one.members.length === 2)
    await alice.chats.send('#team', 'without bob')
    await messageIn(carol, 'without bob')
    await alice.groups.role('#team', carol.name, 'owner')
    await groupIs(carol, (one) => one.role === 'owner')
    await alice.groups.leave('#team')
    await groupIs(carol, (one) => one.members.length === 1)
  })

  it('see who has a message, and who read it', async () => {
    await alice.groups.create('team')
    const { link } = await alice.groups.invite('#team', { reusable: true })
    await join(bob, link)
    await groupIs(alice, (one) => one.members.length === 2)
    const { id } = await alice.chats.send('#team', 'who has it?')
    await messageIn(bob, 'who has it?')
    await alice.chats.waitFor(id, 'delivered', { timeoutMs: 20_000 })
  })
})

describe('a name', () => {
  it('of 10,000 characters, of controls, or of nothing is refused', async () => {
    for (const name of ['', '   ', 'x'.repeat(10_000), 'a\u202eb', 'a\u0007b']) {
      await expect(alice.groups.create(name)).rejects.toMatchObject({ code: 'INVALID' })
    }
    await alice.groups.create('team')
    const second = await alice.groups.create('Team')
    expect(second.name).toBe('Team-2')
    await expect(alice.groups.get('#nowhere')).rejects.toMatchObject({ code: 'UNKNOWN_GROUP' })
  })
})
