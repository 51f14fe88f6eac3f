// A long program of its own: it plays in an empty folder, and whatever it started, and the folder, end
// with it, however it ends.
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { killAll, useSotto } from '../cli/real-sotto.ts'

/** Plays, and ends this process: with 0 where `play` says that all held. */
export async function playAlone(
  name: string,
  play: (root: string) => Promise<boolean>,
): Promise<never> {
  useSotto('dist/cli/main.js')
  const root = await mkdtemp(join(tmpdir(), `sotto-${name}-`))
  const end = (status: number): never => {
    killAll()
    rmSync(root, { recursive: true, force: true, maxRetries: 5 })
    process.exit(status)
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end(1))
  try {
    return end((await play(root)) ? 0 : 1)
  } catch (error) {
    console.error(error)
    return end(1)
  }
}

/** Tells a line with the seconds since the start. */
export function teller(): (line: string) => void {
  const startedMs = performance.now()
  return (line) => {
    const seconds = (performance.now() - startedMs) / 1_000
    console.log(`[${seconds.toFixed(1).padStart(7)}] ${line}`)
  }
}
