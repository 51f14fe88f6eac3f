// npm run twelve: twelve people, two relays, one group (tests/e2e/twelve/story.ts).
import '../../../node/runtime.ts'
import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { killAll, useSotto } from '../../cli/real-sotto.ts'
import { Story } from './story.ts'

const PEOPLE = 12
const EACH = 3

useSotto('dist/cli/main.js')
const root = await mkdtemp(join(tmpdir(), 'sotto-twelve-'))
const startedMs = performance.now()
const clock = (): string => `[${((performance.now() - startedMs) / 1000).toFixed(1).padStart(6)}] `
for (const end of ['SIGINT', 'SIGTERM'] as const) {
  process.once(end, () => {
    killAll()
    rmSync(root, { recursive: true, force: true, maxRetries: 5 })
    process.exit(1)
  })
}
let failed = true
try {
  const { rounds, faults } = await Story.play({
    root,
    people: Number(process.argv[2] ?? PEOPLE),
    each: Number(process.argv[3] ?? EACH),
    tell: (line) => console.log(clock() + line),
  })
  const seconds = rounds.reduce((sum, round) => sum + round.seconds, 0)
  console.log(`\n${'step'.padEnd(14)}${'seconds'.padStart(8)}  result`)
  for (const { step, seconds: took, result } of rounds) {
    console.log(`${step.padEnd(14)}${took.toFixed(1).padStart(8)}  ${result}`)
  }
  console.log(`${'all'.padEnd(14)}${seconds.toFixed(1).padStart(8)}  ${faults.length} faults`)
  failed = faults.length > 0
} catch (error) {
  console.error(error)
} finally {
  killAll()
  await rm(root, { recursive: true, force: true, maxRetries: 5 })
}
process.exit(failed ? 1 : 0)
