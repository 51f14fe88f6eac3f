// npm run twelve: twelve people, two relays, one group (tests/e2e/twelve/story.ts).
import '../../../node/runtime.ts'
import { playAlone, teller } from '../play-alone.ts'
import { Story } from './story.ts'

const PEOPLE = 12
const EACH = 3

await playAlone('twelve', async (root) => {
  const { rounds, faults } = await Story.play({
    root,
    people: Number(process.argv[2] ?? PEOPLE),
    each: Number(process.argv[3] ?? EACH),
    tell: teller(),
  })
  const seconds = rounds.reduce((sum, round) => sum + round.seconds, 0)
  console.log(`\n${'step'.padEnd(14)}${'seconds'.padStart(8)}  result`)
  for (const { step, seconds: took, result } of rounds) {
    console.log(`${step.padEnd(14)}${took.toFixed(1).padStart(8)}  ${result}`)
  }
  console.log(`${'all'.padEnd(14)}${seconds.toFixed(1).padStart(8)}  ${faults.length} faults`)
  return faults.length === 0
})
