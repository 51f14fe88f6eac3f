// What a process of ours takes of the machine, as the kernel tells it: Linux alone does so for others.
import { readFile, readdir, readlink, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { median } from '../../bench/measure.ts'

export interface Vitals {
  readonly atMs: number
  /** Bytes in memory. */
  readonly rssBytes: number
  readonly sockets: number
  /** Other open descriptors: tables of the store among them, of which it keeps up to a thousand. */
  readonly files: number
}

/** undefined where the system does not tell. */
export async function vitalsOf(pid: number): Promise<Vitals | undefined> {
  if (process.platform !== 'linux') return undefined
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const [, kib = '0'] = /^VmRSS:\s+(\d+) kB$/m.exec(status) ?? []
  const fds = await readdir(`/proc/${pid}/fd`)
  // A descriptor may be closed between the two looks.
  const links = await Promise.all(
    fds.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => undefined)),
  )
  const open = links.filter((link) => link !== undefined)
  const sockets = open.filter((link) => link.startsWith('socket:')).length
  const atMs = performance.now()
  return { atMs, rssBytes: Number(kib) * 1024, sockets, files: open.length - sockets }
}

/** Bytes of all files in a folder. */
export async function sizeOf(dir: string): Promise<number> {
  let total = 0
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name)
    if (entry.isDirectory()) total += await sizeOf(path)
    // Tables come and go while one looks.
    else
      total += await stat(path).then(
        ({ size }) => size,
        () => 0,
      )
  }
  return total
}

/** How memory went over a run, its first quarter left out: that is when it fills. */
export interface Growth {
  /** Medians of the first and the last tenth of what is left. */
  readonly fromBytes: number
  readonly toBytes: number
  /** Least squares over all of it. */
  readonly bytesPerHour: number
}

export function growth(all: readonly Vitals[]): Growth {
  const rest = all.slice(Math.floor(all.length / 4))
  const tenth = Math.max(1, Math.floor(rest.length / 10))
  const middle = (some: readonly Vitals[]): number => median(some.map(({ rssBytes }) => rssBytes))
  return {
    fromBytes: middle(rest.slice(0, tenth)),
    toBytes: middle(rest.slice(-tenth)),
    bytesPerHour: slope(rest) * 3_600_000,
  }
}

/** Bytes per ms. */
function slope(all: readonly Vitals[]): number {
  const meanOf = (of: (one: Vitals) => number): number =>
    all.reduce((sum, one) => sum + of(one), 0) / all.length
  const [atMs, rssBytes] = [meanOf((one) => one.atMs), meanOf((one) => one.rssBytes)]
  let [above, below] = [0, 0]
  for (const one of all) {
    above += (one.atMs - atMs) * (one.rssBytes - rssBytes)
    below += (one.atMs - atMs) ** 2
  }
  return below === 0 ? 0 : above / below
}
