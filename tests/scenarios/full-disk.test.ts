import { expect, test } from 'vitest'
import { QUICK_DISK } from '../sim/memory-disk.ts'
import { World } from '../sim/world.ts'

test("a burst onto a full disk waits at the sender's, and goes on when there is space", async () => {
  const world = new World('full disk')
  await world.relay()
  const alice = await world.person('alice', { direct: true })
  const bob = await world.person('bob', { direct: true })
  await world.introduce(alice, bob)
  const disk = bob.machine.disk()
  disk.settings = { ...QUICK_DISK, capacityBytes: disk.sizeBytes + 30_000 }
  await world.sendMany(alice, bob, 60)
  // The first tries are ten seconds apart; what comes after them is looked at.
  await world.simulation.run(65_000)
  // What cannot be taken is asked about now and then, not sent again and again.
  const { wire } = world.simulation
  const delayMs = wire.delayMs.bind(wire)
  let askedBytes = 0
  wire.delayMs = (from, to, sizeBytes) => {
    if (from === 'alice' && to === 'bob') askedBytes += sizeBytes
    return delayMs(from, to, sizeBytes)
  }
  await world.simulation.run(60_000)
  expect(askedBytes).toBeGreaterThan(0)
  expect(askedBytes).toBeLessThan(10_000)
  // Small writes fit, what a conversation needs does not: it stays read-only, in one piece.
  disk.settings = { ...QUICK_DISK, capacityBytes: disk.sizeBytes + 8_000 }
  const statusOfBob = () => world.simulation.settle(bob.machine.program.node.status())
  for (let look = 0; look < 300; look += 1) {
    expect((await statusOfBob()).readOnly).toBe(true)
    await world.simulation.run(100)
  }
  await expect(world.send(bob, alice, 'not now')).rejects.toMatchObject({ code: 'DISK_FULL' })
  disk.settings = QUICK_DISK
  expect(await world.settled()).toEqual([])
  const after = await statusOfBob()
  expect(after.readOnly).toBe(false)
  expect(after.recent.filter(({ code }) => code === 'DISK_FULL')).toHaveLength(1)
})
