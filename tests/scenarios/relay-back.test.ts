// A relay that was away for long and is back is found soon: what waits there is for us, and nobody
// sees that it does.
import { expect, test } from 'vitest'
import { World } from '../sim/world.ts'

const MINUTE_MS = 60_000

test.each([1, 2, 3, 4])(
  'an own relay is followed again within two minutes: seed %i',
  async (seed) => {
    const world = new World(`relay back ${seed}`)
    const { simulation } = world
    const relay = await world.relay()
    const alice = await world.person('alice')
    const connected = async (): Promise<boolean> => {
      const { relays } = await simulation.settle(alice.machine.program.node.status())
      return relays.some((one) => one.connected)
    }
    await simulation.run(10_000)
    expect(await connected()).toBe(true)
    relay.machine.crash()
    await simulation.run(40 * MINUTE_MS)
    expect(await connected()).toBe(false)
    await simulation.settle(relay.machine.start())
    // And the time that the attempt takes.
    await simulation.run(2 * MINUTE_MS + 5_000)
    expect(await connected()).toBe(true)
  },
)
