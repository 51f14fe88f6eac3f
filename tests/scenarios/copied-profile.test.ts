import { expect, test } from 'vitest'
import { nodeMachine } from '../sim/node-machine.ts'
import { World } from '../sim/world.ts'

test('a copy of a profile beside the original reuses no key, and both sides are warned', async () => {
  const world = new World('copied profile')
  await world.relay()
  const alice = await world.person('alice')
  const bob = await world.person('bob')
  await world.introduce(alice, bob)
  await world.sendMany(alice, bob, 3)
  await world.settled()
  await world.stop(alice)
  const warned: string[] = []
  const copy = nodeMachine(world.simulation, {
    name: 'copy',
    profileOf: 'alice',
    watch: world.oracle.watch,
    onEvent: (event) => {
      if (event.event === 'warning') warned.push(`copy ${event.code}`)
    },
  })
  copy.disk().restore(alice.machine.disk().copy())
  await world.start(alice)
  await world.simulation.settle(copy.start())
  const ids: string[] = []
  const write = async (by: 'alice' | 'copy', text: string): Promise<void> => {
    const { chats } = (by === 'copy' ? copy : alice.machine).program.node
    try {
      ids.push((await world.simulation.settle(chats.send(bob.address, text))).id)
    } catch (error) {
      // Once a profile knows that it is not alone it writes no more.
      expect(error).toMatchObject({ code: expect.any(String) })
    }
  }
  for (let i = 0; i < 5; i++) {
    await write('alice', `from the original ${i}`)
    await write('copy', `from the copy ${i}`)
    await world.simulation.run(20_000)
  }
  await world.simulation.run(3_600_000)
  expect(world.oracle.watch.reused).toEqual([])
  expect(ids.length).toBeGreaterThanOrEqual(2)
  expect(warned).toContain('copy PROFILE_COPIED')
  expect(world.oracle.warnings).toContain('alice PROFILE_COPIED')
  const shown = (await world.oracle.chat(bob, alice)).filter(({ mine }) => !mine)
  expect(new Set(shown.map(({ id }) => id)).size).toBe(shown.length)
  // The original goes on where it is not stopped; what it showed as delivered, Bob shows.
  const own = (await world.oracle.chat(alice, bob)).filter(({ mine }) => mine)
  const has = new Set(shown.map(({ id }) => id))
  for (const { id, state } of own) {
    if (state === 'delivered' || state === 'read') expect(has).toContain(id)
  }
})
