import { expect, test } from 'vitest'
import { World } from '../sim/world.ts'

test.each([[false], [true]])(
  'two who add each other by link at once meet once (direct: %s)',
  async (direct) => {
    const world = new World(`mutual ${direct}`)
    if (!direct) await world.relay()
    const alice = await world.person('alice', { direct })
    const bob = await world.person('bob', { direct })
    const [ofAlice, ofBob] = [await world.invite(alice), await world.invite(bob)]
    const add = Promise.all([
      alice.machine.program.node.contacts.add(ofBob, { name: 'bob' }),
      bob.machine.program.node.contacts.add(ofAlice, { name: 'alice' }),
    ])
    await world.simulation.settle(add)
    await world.sendMany(alice, bob, 3)
    await world.sendMany(bob, alice, 3)
    await world.untilReady(alice, bob)
    await world.send(alice, bob)
    expect(await world.settled()).toEqual([])
    for (const { machine } of [alice, bob]) {
      expect(await world.simulation.settle(machine.program.node.contacts.list())).toHaveLength(1)
    }
  },
)
