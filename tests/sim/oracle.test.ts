import { describe, expect, test } from 'vitest'
import type { Store } from '../../node/store.ts'
import { KeyWatch } from './key-watch.ts'
import { World } from './world.ts'

/** Says that a write is durable before it is: the defect of many a messenger. */
function hasty(store: Store, isHasty: () => boolean): Store {
  return {
    get: (keys) => store.get(keys),
    range: (query) => store.range(query),
    write: async (batch) => {
      const written = store.write(batch)
      if (isHasty()) written.catch(() => undefined)
      else await written
    },
    close: () => store.close(),
  }
}

describe('the oracle', () => {
  test('sees a receiver that answers before its disk has the message', async () => {
    const world = new World('hasty')
    const alice = await world.person('alice', { direct: true })
    let isHasty = false
    const tamper = (store: Store): Store => hasty(store, () => isHasty)
    const bob = await world.person('bob', { direct: true, tamper })
    await world.introduce(alice, bob)
    await world.simulation.run(10_000)
    isHasty = true
    bob.machine.disk().settings = { ...bob.machine.disk().settings, syncMs: [500, 500] }
    await world.send(alice, bob)
    await world.simulation.run(300)
    bob.machine.crash()
    await world.start(bob)
    await world.simulation.run(10_000)
    expect((await world.oracle.check()).join()).toContain("bob's disk does not have it")
  })

  test('sees messages that never arrive', async () => {
    const world = new World('liar alone')
    const relay = await world.relay()
    const alice = await world.person('alice')
    const bob = await world.person('bob')
    await world.introduce(alice, bob)
    relay.lies.drops = true
    await world.sendMany(alice, bob, 2)
    await expect(world.settled(60_000)).rejects.toThrow('2 of 2 not delivered')
    expect((await world.oracle.check()).join()).toContain('was sent and is lost')
  })

  test('sees a message that nobody sent', async () => {
    const world = new World('nobody')
    const alice = await world.person('alice', { direct: true })
    const bob = await world.person('bob', { direct: true })
    await world.introduce(alice, bob)
    const { chats } = alice.machine.program.node
    await world.simulation.settle(chats.send(bob.address, 'past the oracle'))
    await world.simulation.run(10_000)
    expect((await world.oracle.check()).join()).toContain('which nobody sent')
  })

  test('sees one key and nonce over two plaintexts, and not one sealed twice', () => {
    const watch = new KeyWatch()
    const [one, other] = [watch.provider('one'), watch.provider('other')]
    const [key, nonce, none] = [new Uint8Array(32), new Uint8Array(12), new Uint8Array(0)]
    one.aeadSeal(key, nonce, none, Uint8Array.of(1))
    other.aeadSeal(key, nonce, none, Uint8Array.of(1))
    expect(watch.reused).toEqual([])
    other.aeadSeal(key, nonce, none, Uint8Array.of(2))
    expect(watch.reused).toHaveLength(1)
  })
})
