// npm run soak (tests/e2e/soak/soak.ts).
import '../../../node/runtime.ts'
import { playAlone, teller } from '../play-alone.ts'
import { faultsOf } from './bounds.ts'
import { Soak, type SoakSteady } from './soak.ts'

const MINUTES = 60
const PEOPLE = 6
const MIB = 2 ** 20
/** A slope over less is that of a process that still fills its caches. */
const SLOPE_MINUTES = 30

const minutes = Number(process.argv[2] ?? MINUTES)

function vitalsLine({ name, memory, sockets, files }: SoakSteady): string {
  const [from, to] = [memory.fromBytes / MIB, memory.toBytes / MIB]
  const slope = `, ${(memory.bytesPerHour / MIB).toFixed(1)} MiB an hour`
  return (
    `${name.padEnd(10)} memory ${from.toFixed(0)} to ${to.toFixed(0)} MiB` +
    `${minutes < SLOPE_MINUTES ? '' : slope}; ` +
    `sockets ${sockets.join(' to ')}; other descriptors ${files.join(' to ')}`
  )
}

await playAlone('soak', async (root) => {
  const figures = await Soak.live({
    root,
    people: Number(process.argv[3] ?? PEOPLE),
    ms: minutes * 60_000,
    leastEnds: 0,
    // Three chats for each: twelve a second, a million in a day, at six people.
    pauseMs: 1_500,
    churnMs: 60_000,
    sampleMs: 15_000,
    tell: teller(),
  })
  for (const one of figures.steady) console.log(vitalsLine(one))
  const faults = faultsOf(figures)
  for (const fault of faults) console.log(`FAULT: ${fault}`)
  const { messages, ends, bytesPerMessage } = figures
  console.log(
    `${messages} messages, ${ends} ends, ${bytesPerMessage.toFixed(0)} B of disk a message, ${faults.length} faults`,
  )
  return faults.length === 0
})
