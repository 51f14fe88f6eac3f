// npm run soak (tests/e2e/soak/soak.ts).
import '../../../node/runtime.ts'
import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { killAll, useSotto } from '../../cli/real-sotto.ts'
import { faultsOf } from './bounds.ts'
import { Soak } from './soak.ts'

const MINUTES = 60
const PEOPLE = 6
const MIB = 2 ** 20

useSotto('dist/cli/main.js')
const root = await mkdtemp(join(tmpdir(), 'sotto-soak-'))
const startedMs = performance.now()
const clock = (): string =>
  `[${((performance.now() - startedMs) / 60_000).toFixed(1).padStart(6)}] `
for (const end of ['SIGINT', 'SIGTERM'] as const) {
  process.once(end, () => {
    killAll()
    rmSync(root, { recursive: true, force: true, maxRetries: 5 })
    process.exit(1)
  })
}
let failed = true
try {
  const figures = await Soak.live({
    root,
    people: Number(process.argv[3] ?? PEOPLE),
    ms: Number(process.argv[2] ?? MINUTES) * 60_000,
    leastEnds: 0,
    // Three chats for each: twelve a second, a million in a day, at six people.
    pauseMs: 1_500,
    churnMs: 60_000,
    sampleMs: 15_000,
    tell: (line) => console.log(clock() + line),
  })
  for (const { name, memory, sockets, files } of figures.steady) {
    const [from, to] = [memory.fromBytes / MIB, memory.toBytes / MIB]
    const slope = memory.bytesPerHour / MIB
    console.log(
      `${name.padEnd(10)} memory ${from.toFixed(0)} to ${to.toFixed(0)} MiB, ${slope.toFixed(1)} MiB an hour; ` +
        `sockets ${sockets.join(' to ')}; other descriptors ${files.join(' to ')}`,
    )
  }
  const faults = faultsOf(figures)
  for (const fault of faults) console.log(`FAULT: ${fault}`)
  const { messages, ends, bytesPerMessage } = figures
  console.log(
    `${messages} messages, ${ends} ends, ${bytesPerMessage.toFixed(0)} B of disk a message, ${faults.length} faults`,
  )
  failed = faults.length > 0
} catch (error) {
  console.error(error)
} finally {
  killAll()
  await rm(root, { recursive: true, force: true, maxRetries: 5 })
}
process.exit(failed ? 1 : 0)
