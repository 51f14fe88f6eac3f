import { expect, test } from 'vitest'
import { World } from '../sim/world.ts'

const DAY_MS = 86_400_000
/** `npm run absence` runs it with 3,000, which takes minutes. */
const MESSAGES = Number(process.env['SOTTO_ABSENCE_MESSAGES'] ?? 300)
const HALF = MESSAGES / 2
const BATCHES = 10

test(
  'who was away until half had expired at the relay is told of the gap, and gets all of it',
  { timeout: MESSAGES > 300 ? 3_600_000 : 120_000 },
  async () => {
    const world = new World('long absence')
    const relay = await world.relay()
    const alice = await world.person('alice')
    const bob = await world.person('bob')
    await world.introduce(alice, bob)
    await world.send(bob, alice)
    await world.settled()
    await world.stop(bob)
    for (const half of [1, 2]) {
      for (let i = 0; i < BATCHES; i++) {
        await world.sendMany(alice, bob, HALF / BATCHES)
        await world.simulation.run(5_000)
      }
      await world.simulation.run(60_000)
      await world.stop(alice)
      await world.simulation.settle(relay.machine.stop())
      // Within the 14 days for which its card begins sessions: one ends after 900 messages.
      if (half === 1) await world.simulation.run(10 * DAY_MS)
      await world.simulation.settle(relay.machine.start())
      if (half === 1) await world.start(alice)
    }
    await world.simulation.settle(relay.machine.stop())
    await world.simulation.run(25 * DAY_MS)
    await world.simulation.settle(relay.machine.start())
    await world.simulation.run(120_000)
    await world.start(bob)
    await world.simulation.run(60_000)
    // The first half is gone from the relay, the second came; alice is not there yet.
    const shown = (await world.oracle.chat(bob, alice)).filter(({ mine }) => !mine)
    // Of the first half the oldest eight went out again in a new handshake, 24 hours unanswered.
    const [early, late] = [shown.slice(0, -HALF), shown.slice(-HALF)]
    expect(early.length).toBeLessThanOrEqual(8)
    expect(late.map(({ text }) => text)).toEqual(
      Array.from({ length: HALF }, (_, i) => `alice to bob ${HALF + i + 2}`),
    )
    expect([...world.oracle.gaps]).toEqual([`bob: alice 1-${HALF}`])
    await world.start(alice)
    expect(await world.settled(3 * DAY_MS)).toEqual([])
    expect(world.oracle.acknowledged).toBe(MESSAGES + 1)
  },
)
