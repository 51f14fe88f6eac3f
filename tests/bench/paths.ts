// The message paths: what durability and encryption cost on top of the network.
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { pooledRandom } from '../../node/random.ts'
import { openLevelStore } from '../../node/store/level-store.ts'
import { daemonSend } from './daemon.ts'
import { type Line, libp2pLine, storing, tcpLine } from './echo.ts'
import { type Contender, inFlight, interleave, quantile } from './measure.ts'
import { type Plan, countOf } from './plan.ts'
import { type Figure, faster, micros } from './table.ts'
import { type TwoNodes, twoNodes } from './two-nodes.ts'

const IN_FLIGHT = 64
/** The smallest envelope. */
const FRAME: Uint8Array = pooledRandom(512)
const BLOCK: Uint8Array = pooledRandom(1_024)

function asking(line: Line): Contender {
  return { run: (count) => inFlight(IN_FLIGHT, count, () => line.ask(FRAME)) }
}

/** A file that is appended to and synced: what the disk asks for each durable step. */
export class SyncedFile {
  readonly #fd: number

  constructor(path: string) {
    this.#fd = openSync(path, 'w')
  }

  append(): void {
    writeSync(this.#fd, BLOCK)
    fdatasyncSync(this.#fd)
  }

  close(): void {
    closeSync(this.#fd)
  }
}

async function timed(work: () => Promise<void>): Promise<number> {
  const before = performance.now()
  await work()
  return (performance.now() - before) * 1000
}

/** Times two pieces of work one after the other, many times: microseconds of each. */
export async function latencies(
  count: number,
  ours: () => Promise<void>,
  peer: () => Promise<void>,
): Promise<{ readonly ours: readonly number[]; readonly peer: readonly number[] }> {
  const [mine, theirs]: [number[], number[]] = [[], []]
  for (let i = 0; i < count; i++) {
    mine.push(await timed(ours))
    theirs.push(await timed(peer))
  }
  return { ours: mine, peer: theirs }
}

/** A row for each of the percentiles; the goal holds for the first. */
export function percentiles(
  what: string,
  times: { readonly ours: readonly number[]; readonly peer: readonly number[] },
  most?: number,
): readonly Figure[] {
  return [50, 95, 99].map((percent) => {
    const [ours, peer] = [quantile(times.ours, percent / 100), quantile(times.peer, percent / 100)]
    const goal =
      most === undefined || percent !== 50 ? undefined : ({ at: 'most', ratio: most } as const)
    const name = `${what}, p${percent}`
    return { what: name, ours: micros(ours), peer: micros(peer), ratio: ours / peer, goal }
  })
}

async function throughput(
  plan: Plan,
  lines: { readonly libp2p: Line; readonly tcp: Line; readonly stored: Line },
  nodes: TwoNodes,
): Promise<readonly Figure[]> {
  const { libp2p, tcp, stored } = lines
  const frames = { stored: asking(stored), libp2p: asking(libp2p), tcp: asking(tcp) }
  const cost = await interleave(frames, plan.rounds, countOf(plan, 4_000), {
    warmUps: plan.warmUps,
  })
  const messages = {
    whole: { run: (count: number) => inFlight(IN_FLIGHT, count, nodes.deliver) },
    libp2p: asking(libp2p),
  }
  const whole = await interleave(messages, plan.rounds, countOf(plan, 400), { warmUps: 3 })
  const seconds = [cost.libp2p, cost.stored, whole.whole].map(({ perSecond }) =>
    perSecond.toFixed(0),
  )
  plan.say(`64 in flight, wall time: libp2p echo ${seconds.join('/s, stored ')}/s whole messages`)
  return [
    faster(
      'frame stored by one synced put, acknowledged, beside libp2p echo',
      cost.stored.cpuUs,
      cost.libp2p.cpuUs,
      0.8,
    ),
    faster('the same, beside raw TCP echo', cost.stored.cpuUs, cost.tcp.cpuUs),
    faster(
      'whole message, in both logs, beside libp2p echo',
      whole.whole.cpuUs,
      whole.libp2p.cpuUs,
      0.35,
    ),
  ]
}

export async function paths(plan: Plan, dir: string): Promise<readonly Figure[]> {
  const store = await openLevelStore(join(dir, 'frames'), { createIfMissing: true })
  const lines = {
    libp2p: await libp2pLine(),
    tcp: await tcpLine(),
    stored: await libp2pLine(storing(store)),
  }
  const nodes = await twoNodes(dir)
  const file = new SyncedFile(join(dir, 'synced'))
  try {
    const rows = await throughput(plan, lines, nodes)
    const times = await latencies(countOf(plan, 300), nodes.deliver, async () => {
      await lines.libp2p.ask(FRAME)
      for (let i = 0; i < 3; i++) file.append()
    })
    const what = 'send to delivered, direct, beside round trip and 3 fdatasync'
    return [...rows, ...percentiles(what, times, 1.5), await daemonSend(plan, dir, nodes)]
  } finally {
    file.close()
    await nodes.close()
    for (const line of Object.values(lines)) await line.close()
    await store.close()
  }
}
