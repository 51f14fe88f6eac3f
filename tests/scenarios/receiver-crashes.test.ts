import { expect, test } from 'vitest'
import { World } from '../sim/world.ts'

/** Events of the simulation after which a message that is waited for has surely been taken. */
const STEPS = 60

test.each([
  ['through the relay', false],
  ['on a direct stream', true],
])(
  'a receiver that crashes after any step of receiving %s loses and doubles nothing',
  async (_, direct) => {
    const world = new World(`receiver crashes ${direct}`)
    if (!direct) await world.relay()
    const alice = await world.person('alice', { direct })
    const bob = await world.person('bob', { direct })
    await world.introduce(alice, bob)
    for (let step = 0; step < STEPS; step++) {
      await world.send(alice, bob)
      for (let i = 0; i < step; i++) await world.simulation.step()
      bob.machine.crash({ keepsAll: step % 2 === 0 })
      await world.start(bob)
      await world.simulation.run(3_000)
    }
    expect(await world.settled()).toEqual([])
    expect(world.oracle.acknowledged).toBe(STEPS)
  },
)
