import { expect, test } from 'vitest'
import { World } from '../sim/world.ts'

const DAY_MS = 86_400_000

test('one who listens nowhere is let in long after the invite, by a host that restarted', async () => {
  const world = new World('one cannot be dialled')
  const alice = await world.person('alice', { direct: true })
  const bob = await world.person('bob')
  await world.introduce(alice, bob)
  await world.sendMany(bob, alice, 3)
  expect(await world.settled()).toEqual([])
  await world.stop(alice)
  await world.simulation.run(2 * DAY_MS)
  await world.start(alice)
  await world.sendMany(bob, alice, 3)
  await world.sendMany(alice, bob, 3)
  expect(await world.settled()).toEqual([])
  expect(world.oracle.acknowledged).toBe(9)
})

test('one who listens nowhere comes to fetch what waits for it, though it has nothing to say', async () => {
  const world = new World('one only listens')
  const alice = await world.person('alice', { direct: true })
  const bob = await world.person('bob')
  await world.introduce(alice, bob)
  expect(await world.settled()).toEqual([])
  await world.stop(alice)
  await world.simulation.run(DAY_MS)
  await world.start(alice)
  await world.sendMany(alice, bob, 3)
  expect(await world.settled()).toEqual([])
  await world.stop(bob)
  await world.sendMany(alice, bob, 3)
  await world.start(bob)
  expect(await world.settled()).toEqual([])
  expect(world.oracle.acknowledged).toBe(6)
})
