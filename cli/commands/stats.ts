// sotto stats: what this profile did and how long it took, from durable sums that name nobody.
import type { Stats, TimeSums } from '../../node/api.ts'
import { formatDuration } from '../duration.ts'
import type { Part } from '../output.ts'
import { withNode } from '../session.ts'
import { terminalSafeLine } from '../terminal-safe.ts'
import type { Invocation } from '../tree/index.ts'
import { formatTime } from '../when.ts'

const TIMES: readonly (readonly [name: string, label: string])[] = [
  ['relayed', 'relayed'],
  ['direct', 'delivered directly'],
  ['byRelay', 'delivered by relay'],
  ['read', 'read'],
]

function timeLine(label: string, { count, p50Ms, p95Ms, p99Ms }: TimeSums): string {
  const [p50, p95, p99] = [p50Ms, p95Ms, p99Ms].map(formatDuration)
  return `  until ${label.padEnd(18)} p50 ${p50}, p95 ${p95}, p99 ${p99}  (${count})`
}

function lines(stats: Stats): readonly (readonly Part[])[] {
  const { since, sent, received, missing, times, counts, errors } = stats
  const begin = since === 0 ? '' : `since ${formatTime(since)}: `
  return [
    [`${begin}${sent} sent, ${received} received, ${missing} known to be missing`],
    ...TIMES.flatMap(([name, label]) => {
      const found = times[name]
      return found === undefined ? [] : [[timeLine(label, found)]]
    }),
    ...Object.entries(counts).map(([name, count]) => [`  ${name.padEnd(24)} ${count}`]),
    ...Object.entries(errors).map(([code, count]) => [
      `  ${terminalSafeLine(code).padEnd(24)} ${count}`,
    ]),
  ]
}

export async function run(invocation: Invocation): Promise<void> {
  await withNode(
    invocation,
    async ({ node }) => {
      const stats = await node.stats()
      invocation.output.record(stats, () => lines(stats))
    },
    { online: false },
  )
}
