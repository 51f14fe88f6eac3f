// How long a program waits that sends through a running daemon: the call over its socket returns when
// the message is durably queued, whoever may be away.
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { connect } from '../../node/rpc/client.ts'
import { serveNode } from '../../node/rpc/server.ts'
import { quantile } from './measure.ts'
import { type Plan, countOf } from './plan.ts'
import { type Figure, micros } from './table.ts'
import type { TwoNodes } from './two-nodes.ts'

/** What a person does not notice. */
const GOAL_US = 100_000

export async function daemonSend(plan: Plan, dir: string, nodes: TwoNodes): Promise<Figure> {
  const { alice } = nodes
  const socket = join(dir, 'daemon')
  const options = { addresses: () => alice.addresses(), lasting: true }
  const server = await serveNode(alice, socket, options)
  const remote = await connect({ socket })
  const times: number[] = []
  for (let i = 0; i < countOf(plan, 200); i++) {
    const before = performance.now()
    await remote.chats.send('Bob', 'a'.repeat(256))
    times.push((performance.now() - before) * 1000)
  }
  await remote.close()
  await server.close()
  const ours = quantile(times, 0.95)
  return {
    what: 'send through a daemon until durably queued, p95',
    ours: micros(ours),
    peer: `goal ${micros(GOAL_US)}`,
    ratio: ours / GOAL_US,
    goal: { at: 'most', ratio: 1 },
  }
}
