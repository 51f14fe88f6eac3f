// npm run burst: 2,000 messages through five kills of the receiver, directly and by the relay only.
import '../../node/runtime.ts'
import { join } from 'node:path'
import { runBurst } from './burst.ts'
import { playAlone } from './play-alone.ts'

const MESSAGES = 2_000
const KILLS = 5

await playAlone('burst', async (root) => {
  let failed = 0
  for (const path of ['direct', 'relay'] as const) {
    const plan = { root: join(root, path), path, messages: MESSAGES, kills: KILLS }
    const { sent, shown, killedAt, queuedMs, totalMs } = await runBurst(plan)
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
  }
  return failed === 0
})
