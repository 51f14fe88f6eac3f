// How the benchmark measures: CPU time of this process, contenders in turn within one run, medians.
import { performance } from 'node:perf_hooks'

export interface Contender {
  /** Not measured: before each run. */
  readonly prepare?: () => Promise<void>
  /** Does the work `count` times; answers the CPU microseconds of it where not all of it counts. */
  readonly run: (count: number) => Promise<void | number> | void
}

/** User and system time of the whole process, all its threads, in microseconds. */
export function cpuUs(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** The value that a part `q` of the values does not exceed. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const value = sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]
  if (value === undefined) throw new Error('nothing was measured')
  return value
}

/**
 * Collects young garbage before a run, so that what others left behind is not charged to whoever comes
 * next. A full collection also throws compiled code away, which is paid for again: what is measured is
 * a node that has run for a while.
 */
function collectGarbage(): void {
  const { gc } = globalThis as { readonly gc?: (options: { readonly type: 'minor' }) => void }
  gc?.({ type: 'minor' })
}

export interface Cost {
  /** CPU microseconds of one operation: the median of the rounds. */
  readonly cpuUs: number
  /** Operations per second of wall time: the median of the rounds. */
  readonly perSecond: number
}

/** How warm what is measured is. */
export interface Warmth {
  readonly warmUps?: number
}

/**
 * Runs contenders in turn, `rounds` times, each round in another order, after `warmUps` rounds that
 * do not count: JavaScript is compiled as it runs, and what is measured is a node that has run for
 * a while. All of it happens in this process, so a busy machine is busy for all of them.
 */
export async function interleave<K extends string>(
  contenders: { readonly [N in K]: Contender },
  rounds: number,
  count: number,
  { warmUps = 1 }: Warmth = {},
): Promise<{ readonly [N in K]: Cost }> {
  const names = Object.keys(contenders) as K[]
  const cpu = new Map(names.map((name) => [name, [] as number[]]))
  const rate = new Map(names.map((name) => [name, [] as number[]]))
  for (let round = -warmUps; round < rounds; round++) {
    for (const at of names.keys()) {
      const name = names[(at + warmUps + round) % names.length]
      if (name === undefined) continue
      await contenders[name].prepare?.()
      collectGarbage()
      const [cpuBefore, wallBefore] = [cpuUs(), performance.now()]
      const told = await contenders[name].run(count)
      const [spentUs, wallMs] = [told ?? cpuUs() - cpuBefore, performance.now() - wallBefore]
      if (round < 0) continue
      cpu.get(name)?.push(spentUs / count)
      rate.get(name)?.push((count / wallMs) * 1000)
    }
  }
  const costs = names.map((name) => [
    name,
    { cpuUs: median(cpu.get(name) ?? []), perSecond: median(rate.get(name) ?? []) },
  ])
  return Object.fromEntries(costs) as { readonly [N in K]: Cost }
}

/** Keeps `width` operations under way until `count` were done. */
export async function inFlight(
  width: number,
  count: number,
  run: () => Promise<void>,
): Promise<void> {
  let left = count
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1
      await run()
    }
  }
  await Promise.all(Array.from({ length: width }, worker))
}
