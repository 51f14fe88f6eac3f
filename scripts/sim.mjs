// npm run sim -- [--seeds N] [--from K] [--seed S] [--trace]: the simulator on more seeds than a
// change runs, or on one with its trace. Prints each failing seed and goes on to the next.
// npm run sim -- --groups [--schedules N] [--networked M] [--lying L] [--from K] [--seed S] [--trace]: lives of
// groups, N in all. M of them are slow ones: real nodes and relays on virtual machines; L more have a
// member whose node lies over the network. The others are
// fast ones: the real membership, choice of epoch and repair, with no network, disk or encryption.
import { spawnSync } from 'node:child_process'

const args = process.argv.slice(2)
const has = (name) => args.includes(`--${name}`)
const valueOf = (name, otherwise) => {
  const at = args.indexOf(`--${name}`)
  return at === -1 ? otherwise : args[at + 1]
}
const usage = (text) => {
  console.error(`usage: npm run sim -- ${text}`)
  process.exit(2)
}
const seed = valueOf('seed')
const from = Number(valueOf('from', 0))

/** Runs the tests of a file whose name matches; whether all passed. */
function run(file, title, seeds) {
  const env = {
    ...process.env,
    SOTTO_SIM_SEEDS: String(seeds),
    SOTTO_SIM_FROM: String(from),
    SOTTO_SIM_GO_ON: '1',
    ...(seed === undefined ? {} : { SOTTO_SIM_SEED: seed }),
    ...(has('trace') ? { SOTTO_SIM_PRINT: '.' } : {}),
  }
  const vitest = ['vitest', 'run', file, '-t', title]
  const done = spawnSync('npx', [...vitest, '--testTimeout=86400000'], { env, stdio: 'inherit' })
  return done.status === 0
}

if (has('groups')) {
  const schedules = Number(valueOf('schedules', 2_000))
  const networked = Number(valueOf('networked', Math.min(schedules, Math.ceil(schedules / 500))))
  const lying = Number(valueOf('lying', Math.min(Math.ceil(networked / 4), schedules - networked)))
  const fast = schedules - networked - lying
  if (![schedules, networked, lying, from].every(Number.isSafeInteger) || fast < 0) {
    usage('--groups [--schedules N] [--networked M] [--lying L] [--from K] [--seed S] [--trace]')
  }
  console.log(
    `${schedules} schedules: ${fast} fast, ${networked} slow (real nodes), ${lying} slow with a member that lies, from ${from} on`,
  )
  const passed = [
    fast === 0 || run('tests/sim/groups/pure.test.ts', 'keep every promise', fast),
    networked === 0 || run('tests/sim/groups/groups.test.ts', 'keep every promise', networked),
    lying === 0 || run('tests/sim/groups/byzantine.test.ts', 'keep every promise', lying),
  ]
  process.exit(passed.every(Boolean) ? 0 : 1)
}

const seeds = Number(valueOf('seeds', 100))
if (!Number.isSafeInteger(seeds) || !Number.isSafeInteger(from)) {
  usage('[--seeds N] [--from K] [--seed S] [--trace]')
}
process.exit(run('tests/sim/messenger.test.ts', 'keeps every promise', seeds) ? 0 : 1)
