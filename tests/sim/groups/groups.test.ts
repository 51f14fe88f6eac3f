// Groups of real nodes under random faults (the slow form, see group-life.ts).
import { describe, expect, test } from 'vitest'
import { eachSeed } from '../seeds.ts'
import { GroupLife } from './group-life.ts'

/** Lives that every change runs. */
const LIVES = 2

describe('groups of real nodes under random faults', () => {
  test('keep every promise', { timeout: 86_400_000 }, async () => {
    const total = { lives: 0, changes: 0, epochs: 0, messages: 0, healed: 0, crashes: 0, worst: 0 }
    const wanted = new Map<string, number>()
    const started = performance.now()
    await eachSeed(LIVES, async (seed) => {
      const life = new GroupLife(seed, { keepTrace: process.env['SOTTO_SIM_SEED'] !== undefined })
      const broken = await life.run()
      const { tally } = life
      total.lives += 1
      total.worst = Math.max(total.worst, tally.epochs / Math.max(1, tally.changes))
      for (const key of ['changes', 'epochs', 'messages', 'healed', 'crashes'] as const) {
        total[key] += tally[key]
      }
      for (const [what, count] of Object.entries(tally.wanted)) {
        wanted.set(what, (wanted.get(what) ?? 0) + count)
      }
      expect(broken.join('\n')).toBe('')
      return life.world.simulation
    }).finally(() => {
      const seconds = (performance.now() - started) / 1000
      const per = (total.epochs / Math.max(1, total.changes)).toFixed(2)
      console.log(
        `slow form: ${total.lives} schedules in ${seconds.toFixed(1)} s; ${total.changes} changes, ` +
          `${total.epochs} fresh and refresh operations (${per} per change, worst schedule ${total.worst.toFixed(2)}), ` +
          `${total.healed} partitions healed, ${total.crashes} crashes; ${total.messages} messages; ` +
          [...wanted].map(([what, count]) => `${what} ${count}`).join(', '),
      )
    })
  })

  test('run one seed the same way each time', async () => {
    const lives = [new GroupLife('again'), new GroupLife('again')]
    for (const life of lives) await life.run(4)
    const [first, second] = lives.map(({ world }) => world.simulation.traceHash)
    expect(first).toBe(second)
  })
})
