// What a contact wrote and has no more is named as gone, not as missing for ever.
import { expect, test } from 'vitest'
import type { NodeEvent } from '../../node/api.ts'
import type { Core } from '../../node/core.ts'
import { directConversation, noteHead } from '../../protocol/index.ts'
import { World } from '../sim/world.ts'

test('a number that its author has no more is said to be gone for good, and shown so', async () => {
  const world = new World('irretrievable')
  const { simulation } = world
  await world.relay()
  const cores = new Map<string, Core>()
  const [alice, bob] = [
    await world.person('alice', { onStart: (core) => void cores.set('alice', core) }),
    await world.person('bob', { onStart: (core) => void cores.set('bob', core) }),
  ]
  await world.introduce(alice, bob)
  await world.send(bob, alice)
  expect(await world.settled()).toEqual([])
  const [alices, bobs] = [cores.get('alice'), cores.get('bob')]
  if (alices === undefined || bobs === undefined) throw new Error('nodes that run')
  const { node } = alice.machine.program
  const heard: NodeEvent[] = []
  const stop = new AbortController()
  const follow = async (): Promise<void> => {
    for await (const event of node.events.since(0, { signal: stop.signal })) heard.push(event)
  }
  const following = follow().catch(() => undefined)
  // As if a device of Bob's had written two more before its disk was lost.
  const noted = alices.ledger.run((turn) =>
    noteHead(
      turn,
      directConversation(alices.provider, alices.self.account, bobs.self.account),
      bobs.self.device,
      3,
    ),
  )
  await simulation.settle(noted)
  await world.send(alice, bob)
  await simulation.run(600_000)
  const contact = await simulation.settle(node.contacts.get('bob'))
  expect(contact).toMatchObject({ missing: 2, irretrievable: 2 })
  const gap = { event: 'gap', chat: 'bob', first: 2, last: 3, missing: true }
  expect(heard).toContainEqual(expect.objectContaining({ ...gap, irretrievable: true }))
  stop.abort()
  await following
})
