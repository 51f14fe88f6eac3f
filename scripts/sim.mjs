// npm run sim -- [--seeds N] [--from K] [--seed S] [--trace]: the simulator on more seeds than a
// change runs, or on one with its trace. Prints each failing seed and goes on to the next.
import { spawnSync } from 'node:child_process'

const args = process.argv.slice(2)
const valueOf = (name, otherwise) => {
  const at = args.indexOf(`--${name}`)
  return at === -1 ? otherwise : args[at + 1]
}
const seed = valueOf('seed')
const seeds = Number(valueOf('seeds', 100))
const from = Number(valueOf('from', 0))
if (!Number.isSafeInteger(seeds) || !Number.isSafeInteger(from)) {
  console.error('usage: npm run sim -- [--seeds N] [--from K] [--seed S] [--trace]')
  process.exit(2)
}
const env = {
  ...process.env,
  SOTTO_SIM_SEEDS: String(seeds),
  SOTTO_SIM_FROM: String(from),
  SOTTO_SIM_GO_ON: '1',
  ...(seed === undefined ? {} : { SOTTO_SIM_SEED: seed }),
  ...(args.includes('--trace') ? { SOTTO_SIM_PRINT: '.' } : {}),
}
const vitest = ['vitest', 'run', 'tests/sim/messenger.test.ts', '-t', 'keeps every promise']
const done = spawnSync('npx', [...vitest, '--testTimeout=86400000'], { env, stdio: 'inherit' })
process.exit(done.status ?? 1)
