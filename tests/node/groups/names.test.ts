// What newcomers know of others, and what is not for them (SPEC.md §21).
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { RunningNode } from '../../../node/create-node.ts'
import { type TestNetwork, createTestNetwork } from '../../../node/test-network.ts'
import { groupIs, messageIn } from './wait.ts'

let network: TestNetwork
let alice: RunningNode
let others: RunningNode[]

beforeEach(async () => {
  network = createTestNetwork()
  const relays = [await network.relay()]
  alice = await network.node('alice', { relays, listens: false })
  others = []
  for (const name of ['bob', 'carol', 'dave']) {
    others.push(await network.node(name, { relays, listens: false }))
  }
})
afterEach(() => network.close())

it('those who join at once come to know each other', async () => {
  await alice.groups.create('team')
  const { link } = await alice.groups.invite('#team', { reusable: true })
  await Promise.all(others.map((node) => node.groups.join(link)))
  for (const node of [alice, ...others]) {
    await groupIs(node, (one) => one.state === 'joined' && one.members.length === 4)
  }
  for (const node of others) {
    const text = `it is ${node.name}`
    await node.chats.send('#team', text)
    for (const reader of [alice, ...others]) await messageIn(reader, text)
  }
  const names = ['alice', 'bob', 'carol', 'dave']
  for (const node of [alice, ...others]) {
    const { members } = await groupIs(node, (one) =>
      names.every((name) => one.members.some((member) => member.name === name)),
    )
    expect(members.map(({ name }) => name).toSorted()).toEqual(names)
  }
})

it('what was said before one joined is neither read nor held', async () => {
  const [bob] = others
  if (bob === undefined) throw new Error('nobody joins')
  await alice.groups.create('team')
  await alice.chats.send('#team', 'before')
  const { link } = await alice.groups.invite('#team')
  await bob.groups.join(link)
  await groupIs(bob, (one) => one.state === 'joined' && one.members.length === 2)
  await alice.chats.send('#team', 'after')
  await messageIn(bob, 'after')
  expect((await bob.chats.messages('#team')).map(({ text }) => text)).toEqual(['after'])
  const group = await bob.groups.get('#team')
  expect(group).toMatchObject({ held: 0, missing: 0 })
  expect(group).not.toHaveProperty('problem')
})
