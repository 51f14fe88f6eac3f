// npm run burst: 2,000 messages through five kills of the receiver, directly and by the relay only.
import '../../node/runtime.ts'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { killAll, useSotto } from '../cli/real-sotto.ts'
import { runBurst } from './burst.ts'

const MESSAGES = 2_000
const KILLS = 5

useSotto('dist/cli/main.js')
let failed = 0
for (const path of ['direct', 'relay'] as const) {
  const root = await mkdtemp(join(tmpdir(), 'sotto-burst-'))
  try {
    const figures = await runBurst({ root, path, messages: MESSAGES, kills: KILLS })
    const { sent, shown, killedAt, queuedMs, totalMs } = figures
    const missing = sent.filter((text) => !shown.includes(text)).length
    const twice = shown.length - new Set(shown).size
    const ordered = shown.join('\n') === sent.join('\n')
    if (!ordered) failed += 1
    console.log(
      `${path}: ${sent.length} sent, ${shown.length} shown, ${missing} missing, ${twice} twice, ` +
        `order ${ordered ? 'kept' : 'BROKEN'}; ${killedAt.length} kills at ${killedAt.join(', ')} ` +
        `shown; queued in ${(queuedMs / 1000).toFixed(1)} s, all delivered in ` +
        `${(totalMs / 1000).toFixed(1)} s`,
    )
  } finally {
    killAll()
    await rm(root, { recursive: true, force: true, maxRetries: 5 })
  }
}
process.exit(failed === 0 ? 0 : 1)
