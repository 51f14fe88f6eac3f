// npm run absence: in the simulator, a receiver who was away until the first 1,500 of 3,000 messages
// had expired at the relay (tests/scenarios/long-absence.test.ts, which runs with 300 otherwise).
import { spawnSync } from 'node:child_process'

const vitest = ['vitest', 'run', 'tests/scenarios/long-absence.test.ts']
const { status } = spawnSync('npx', vitest, {
  env: { ...process.env, SOTTO_ABSENCE_MESSAGES: process.argv[2] ?? '3000' },
  stdio: 'inherit',
})
process.exit(status ?? 1)
