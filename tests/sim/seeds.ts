// Which seeds a simulation runs on, and what a failing one leaves behind.
//   SOTTO_SIM_SEED=7    only this one, with its trace on stderr
//   SOTTO_SIM_SEEDS=500 that many instead of the test's own number
//   SOTTO_SIM_FROM=1000 starting there instead of at 0
//   SOTTO_SIM_GO_ON=1   name every failing seed instead of stopping at the first
import type { Simulation } from './simulation.ts'

/** The seeds of a test that runs `count` of them by default. */
export function numbersOf(count: number): readonly string[] {
  const one = process.env['SOTTO_SIM_SEED']
  if (one !== undefined) return [one]
  const many = Number(process.env['SOTTO_SIM_SEEDS'] ?? count)
  const from = Number(process.env['SOTTO_SIM_FROM'] ?? 0)
  return Array.from({ length: many }, (_, i) => String(from + i))
}

/** Whether a single seed is being replayed: then traces are kept and printed. */
const replaying: boolean = process.env['SOTTO_SIM_SEED'] !== undefined

/** Runs each seed; a failure names its seed, and a replayed seed prints its trace. */
export async function eachSeed(
  count: number,
  run: (seed: string) => Promise<Simulation>,
): Promise<void> {
  const failed: string[] = []
  for (const seed of numbersOf(count)) {
    try {
      // Said before it runs: of one that never ends nothing else would be seen.
      if (process.env['SOTTO_SIM_GO_ON'] === '1') process.stderr.write(`seed ${seed} ..\n`)
      const simulation = await run(seed)
      if (replaying) console.error(`${simulation.lines.join('\n')}\n${simulation.traceHash}`)
    } catch (cause) {
      if (process.env['SOTTO_SIM_GO_ON'] === '1') {
        failed.push(seed)
        process.stderr.write(`seed ${seed}: ${cause instanceof Error ? cause.message : 'error'}\n`)
        continue
      }
      throw new Error(`seed ${seed} fails; to replay: SOTTO_SIM_SEED=${seed}`, { cause })
    }
  }
  if (failed.length > 0) throw new Error(`failing seeds: ${failed.join(' ')}`)
}
