// Members whose nodes lie over the network, among real nodes (see byzantine-life.ts).
import { describe, expect, test } from 'vitest'
import { eachSeed } from '../seeds.ts'
import { ByzantineLife } from './byzantine-life.ts'
import { LIES } from './liar.ts'

/** Lives that every change runs. */
const LIVES = 1

describe('groups of real nodes with a member that lies', () => {
  test('keep every promise to the honest', { timeout: 86_400_000 }, async () => {
    const total = {
      lives: 0,
      lies: 0,
      outside: 0,
      deposited: 0,
      changes: 0,
      epochs: 0,
      messages: 0,
      crashes: 0,
    }
    const told = new Map<string, number>()
    const started = performance.now()
    await eachSeed(LIVES, async (seed) => {
      const life = new ByzantineLife(seed, {
        keepTrace: process.env['SOTTO_SIM_SEED'] !== undefined,
      })
      const broken = await life.run()
      total.lives += 1
      for (const key of [
        'lies',
        'outside',
        'deposited',
        'changes',
        'epochs',
        'messages',
        'crashes',
      ] as const) {
        total[key] += life.tally[key]
      }
      for (const [lie, count] of Object.entries(life.liar.counts)) {
        told.set(lie, (told.get(lie) ?? 0) + count)
      }
      expect(broken.join('\n')).toBe('')
      // A lie that was not told shows nothing.
      expect(LIES.filter((lie) => (life.liar.counts[lie] ?? 0) === 0)).toEqual([])
      expect(life.tally.lies).toBeGreaterThan(4)
      expect(life.tally.outside).toBeGreaterThan(2)
      expect(life.tally.deposited).toBeGreaterThan(2)
      return life.world.simulation
    }).finally(() => {
      const seconds = (performance.now() - started) / 1000
      console.log(
        `slow form with liars: ${total.lives} schedules in ${seconds.toFixed(1)} s; ${total.lies} lies, ` +
          `${total.outside} of them after its removal, with ${total.deposited} messages of them in mailboxes; ${total.changes} changes and ${total.epochs} fresh and ` +
          `refresh operations of the honest, ${total.messages} messages, ${total.crashes} crashes; ` +
          LIES.map((lie) => `${lie} ${told.get(lie) ?? 0}`).join(', '),
      )
    })
  })
})
