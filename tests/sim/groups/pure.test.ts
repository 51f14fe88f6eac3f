// Membership and keys of groups in thousands of random lives (the fast form, see pure-life.ts).
import { describe, expect, test } from 'vitest'
import { numbersOf } from '../seeds.ts'
import { type PureDefect, PureLife, type PureTally } from './pure-life.ts'
import { judgeLife } from './pure-oracle.ts'

/** Lives that every change runs. */
const LIVES = 400

function liveOnce(seed: string | number, defect?: PureDefect) {
  const life = new PureLife(seed, defect)
  life.run()
  return { life, broken: judgeLife(life) }
}

describe('groups without a network', () => {
  test('keep every promise in every life', { timeout: 86_400_000 }, () => {
    const total: PureTally & { lives: number; worst: number } = {
      lives: 0,
      changes: 0,
      repairs: 0,
      epochs: 0,
      messages: 0,
      healed: 0,
      byzantine: 0,
      worst: 0,
    }
    const failing: string[] = []
    const started = performance.now()
    for (const seed of numbersOf(LIVES)) {
      const { life, broken } = liveOnce(seed)
      const { tally } = life
      total.lives += 1
      total.worst = Math.max(total.worst, tally.epochs / Math.max(1, tally.changes))
      for (const key of [
        'changes',
        'repairs',
        'epochs',
        'messages',
        'healed',
        'byzantine',
      ] as const) {
        total[key] += tally[key]
      }
      if (broken.length === 0) continue
      failing.push(`${seed}: ${broken[0]}`)
      if (process.env['SOTTO_SIM_SEED'] !== undefined) console.error(life.trace.join('\n'), broken)
      if (failing.length > 20) break
    }
    const seconds = (performance.now() - started) / 1000
    const per = (total.epochs / Math.max(1, total.changes)).toFixed(2)
    console.log(
      `fast form: ${total.lives} schedules in ${seconds.toFixed(1)} s (${(total.lives / seconds).toFixed(0)} a second); ` +
        `${total.changes} changes, ${total.epochs} fresh and refresh operations (${per} per change, worst schedule ${total.worst.toFixed(2)}), ` +
        `${total.repairs} of them repairs, ${total.healed} partitions healed, ${total.byzantine} lies; ` +
        `${total.messages} messages, ${failing.length} failing schedules`,
    )
    expect(failing).toEqual([])
  })

  test('run one seed the same way each time', () => {
    const [first, second] = [liveOnce('again'), liveOnce('again')]
    expect(first.life.trace).toEqual(second.life.trace)
    expect(first.life.trace.length).toBeGreaterThan(5)
  })

  test.each<readonly [PureDefect, RegExp]>([
    ['forgetful', /^D1/],
    ['wide', /^D3/],
    ['impatient', /^D4/],
    ['stutter', /twice/],
    ['storm', /^D6/],
    ['mute', /^D7/],
  ])('the oracle sees who is %s', (defect, what) => {
    let seen = 0
    for (let seed = 0; seed < 60 && seen === 0; seed++) {
      seen += liveOnce(seed, defect).broken.filter((line) => what.test(line)).length
    }
    expect(seen).toBeGreaterThan(0)
  })
})
