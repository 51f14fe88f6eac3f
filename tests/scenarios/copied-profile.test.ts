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
  for (let i = 0; i < 5; i++) {
    await world.send(alice, bob)
    await world.simulation.settle(copy.program.node.chats.send(bob.address, `from the copy ${i}`))
    await world.simulation.run(20_000)
  }
  await world.simulation.run(3_600_000)
  expect(world.oracle.watch.reused).toEqual([])
  expect(
    [...world.oracle.warnings, ...warned].filter((one) => one.includes('PROFILE')).sort(),
  ).toEqual([])
  // What each of them wrote is there for Bob, each once.
  const texts = (await world.oracle.chat(bob, alice)).map(({ text }) => text)
  for (let i = 0; i < 5; i++) {
    expect(texts.filter((text) => text === `from the copy ${i}`)).toHaveLength(1)
  }
})
