import { expect, test } from 'vitest'
import { World } from '../sim/world.ts'

test('who writes by an invite that was revoked waits in requests, with eight messages at most', async () => {
  const world = new World('stranger')
  await world.relay()
  const bob = await world.person('bob')
  const mallory = await world.person('mallory')
  // A reusable invite, whose copy at the relay outlives what its maker knows of it for a moment.
  const link = await world.invite(bob, true)
  await world.stop(bob)
  await world.simulation.settle(mallory.machine.program.node.contacts.add(link, { name: 'bob' }))
  await world.sendMany(mallory, bob, 30)
  await world.simulation.run(60_000)
  await world.start(bob)
  const [invite] = await world.simulation.settle(bob.machine.program.node.invites.list())
  await world.simulation.settle(bob.machine.program.node.invites.revoke(invite?.id ?? ''))
  await world.simulation.run(60_000)
  const requests = await world.simulation.settle(bob.machine.program.node.requests.list())
  expect(requests).toHaveLength(1)
  const shown = await world.simulation.settle(
    bob.machine.program.node.chats.messages(mallory.address, { limit: 100 }),
  )
  expect(shown.length).toBeGreaterThan(0)
  expect(shown.length).toBeLessThanOrEqual(8)
  // A stranger learns nothing of what became of it, until it is accepted; then all of it comes.
  const theirs = await world.oracle.chat(mallory, bob)
  expect(theirs.filter(({ state }) => state === 'delivered' || state === 'read')).toEqual([])
  const accept = bob.machine.program.node.requests.accept(mallory.address)
  await world.simulation.settle(accept)
  expect(await world.settled()).toEqual([])
  expect(world.oracle.acknowledged).toBe(30)
})
