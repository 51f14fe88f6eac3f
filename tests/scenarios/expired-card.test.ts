import { expect, test } from 'vitest'
import { World } from '../sim/world.ts'

const DAY_MS = 86_400_000
/** More than one session carries without an answer. */
const MESSAGES = 1_000

test(
  'to who is away for longer than its card is good for a session is not renewed: the rest waits, and says why',
  { timeout: 120_000 },
  async () => {
    const world = new World('expired card')
    const relay = await world.relay()
    const alice = await world.person('alice')
    const bob = await world.person('bob')
    await world.introduce(alice, bob)
    await world.stop(bob)
    await world.stop(alice)
    await world.simulation.settle(relay.machine.stop())
    await world.simulation.run(15 * DAY_MS)
    await world.simulation.settle(relay.machine.start())
    await world.start(alice)
    let last = ''
    for (let i = 0; i < 10; i++) {
      last = (await world.sendMany(alice, bob, MESSAGES / 10)).at(-1) ?? ''
      await world.simulation.run(5_000)
    }
    await world.simulation.run(60_000)
    const { chats } = alice.machine.program.node
    const { state, missing } = await world.simulation.settle(chats.why(last))
    expect(state).toBe('queued')
    expect(missing.join()).toContain('card: expired')
    await world.start(bob)
    expect(await world.settled()).toEqual([])
    expect(world.oracle.acknowledged).toBe(MESSAGES)
  },
)
