// sotto stats: how one's own messages fared, from the evidence that is kept for each.
import type { Message, MessageState, Node } from '../../node/api.ts'
import { formatDuration } from '../duration.ts'
import { withNode } from '../session.ts'
import type { Invocation } from '../tree/index.ts'

const DEFAULT_LIMIT = 200
const MAX_LIMIT = 10_000

interface Times {
  readonly count: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
}

/** Nearest-rank percentiles; undefined without any value. */
export function percentiles(values: readonly number[]): Times | undefined {
  if (values.length === 0) return undefined
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number): number =>
    sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
  return { count: sorted.length, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99) }
}

async function timesTo(node: Node, mine: readonly Message[]): Promise<Map<string, number[]>> {
  const times = new Map<string, number[]>()
  for (const message of mine) {
    const { steps } = await node.chats.why(message.id)
    const queued = steps.find((step) => step.what === 'queued')
    if (queued === undefined) continue
    for (const what of ['relayed', 'delivered', 'read']) {
      const step = steps.find((step) => step.what === what)
      if (step === undefined) continue
      const known = times.get(what) ?? []
      known.push(Math.max(0, step.at - queued.at))
      times.set(what, known)
    }
  }
  return times
}

export async function run(invocation: Invocation): Promise<void> {
  const { flags, output } = invocation
  const limit = flags.count('limit', 1, MAX_LIMIT) ?? DEFAULT_LIMIT
  await withNode(
    invocation,
    async ({ node }) => {
      const messages = await node.chats.messages(undefined, { limit })
      const mine = messages.filter((message) => message.mine)
      const states: Partial<Record<MessageState, number>> = {}
      for (const { state } of mine) states[state] = (states[state] ?? 0) + 1
      const times = await timesTo(node, mine)
      const contacts = await node.contacts.list()
      const missing = contacts.reduce((sum, contact) => sum + contact.missing, 0)
      const shown = [...times].flatMap(([what, values]) => {
        const found = percentiles(values)
        return found === undefined ? [] : [[what, found] as const]
      })
      const received = messages.length - mine.length
      const record = {
        sent: mine.length,
        received,
        states,
        times: Object.fromEntries(shown),
        missing,
      }
      output.record(record, () => [
        [`${mine.length} sent, ${received} received, ${missing} known to be missing`],
        ...Object.entries(states).map(([state, count]) => [`  ${state.padEnd(10)} ${count}`]),
        ...shown.map(([what, t]) => [
          `  until ${what.padEnd(10)} p50 ${formatDuration(t.p50Ms)}, p95 ${formatDuration(t.p95Ms)}, p99 ${formatDuration(t.p99Ms)}`,
        ]),
      ])
    },
    { online: false },
  )
}
