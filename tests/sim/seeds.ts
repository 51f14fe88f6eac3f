// Which seeds a simulation runs on, and what a failing one leaves behind.
//   SOTTO_SIM_SEED=7    only this one, with its trace on stderr
//   SOTTO_SIM_SEEDS=500 that many instead of the test's own number
//   SOTTO_SIM_FROM=1000 starting there instead of at 0
import type { Simulation } from './simulation.ts'

/** The seeds of a test that runs `count` of them by default. */
function seeds(count: number): readonly string[] {
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
  for (const seed of seeds(count)) {
    try {
      const simulation = await run(seed)
      if (replaying) console.error(`${simulation.lines.join('\n')}\n${simulation.traceHash}`)
    } catch (cause) {
      throw new Error(`seed ${seed} fails; to replay: SOTTO_SIM_SEED=${seed}`, { cause })
    }
  }
}
