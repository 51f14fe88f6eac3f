import { describe, expect, test } from 'vitest'
import { World } from '../sim/world.ts'

/** Messages 6 to 25 lie at a relay alone, which is put back to a copy from before them. */
async function restored(marked: boolean): Promise<World> {
  const world = new World(`relay restored ${marked}`)
  const relay = await world.relay()
  const alice = await world.person('alice')
  const bob = await world.person('bob')
  await world.introduce(alice, bob)
  await world.sendMany(bob, alice, 5)
  await world.simulation.run(20_000)
  const old = relay.copy()
  await world.stop(bob)
  await world.sendMany(alice, bob, 20)
  await world.simulation.run(90_000)
  await world.simulation.settle(relay.machine.stop())
  relay.restore(old)
  if (marked) await relay.markRestored()
  await world.simulation.settle(relay.machine.start())
  await world.simulation.run(10_000)
  await world.start(bob)
  return world
}

describe('a relay on an old copy of its disk', () => {
  test('loses nothing where it was marked as restored', async () => {
    const world = await restored(true)
    expect(await world.settled(5 * 60_000)).toEqual([])
    expect(world.oracle.acknowledged).toBe(25)
  })

  test('loses nothing where nobody marked it and the next message comes', async () => {
    const world = await restored(false)
    const [alice, bob] = world.people
    if (alice !== undefined && bob !== undefined) await world.send(alice, bob)
    expect(await world.settled(5 * 60_000)).toEqual([])
  })

  test('loses nothing where nobody marked it and nothing comes: the sender asks again', async () => {
    const world = await restored(false)
    expect(await world.settled(12 * 3_600_000)).toEqual([])
  })
})
