// How full a relay's disk is (SPEC.md §14.7): bytes of its store against what it may use, or what
// the file system has left, whichever is less. Looked at twice a minute, answered from memory.
import { readdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock, Timer } from '../clock.ts'
import { DISK_PROBE_MS } from './limits.ts'

export class DiskGauge {
  readonly #clock: Clock
  readonly #path: string
  readonly #maxBytes: number
  #timer: Timer | undefined
  #usedBytes = 0
  #part = 0
  #stopped = false

  constructor(clock: Clock, path: string, maxBytes: number) {
    this.#clock = clock
    this.#path = path
    this.#maxBytes = maxBytes
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  /** Part of the allowance used, 0 to 1 and above. */
  get part(): number {
    return this.#part
  }

  async start(): Promise<void> {
    await this.#look()
    this.#arm()
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  #arm(): void {
    if (this.#stopped) return
    this.#timer = this.#clock.after(DISK_PROBE_MS, () => {
      this.#look().then(
        () => this.#arm(),
        () => {
          // A disk that cannot even be looked at takes no more.
          this.#part = 1
          this.#arm()
        },
      )
    })
  }

  async #look(): Promise<void> {
    let bytes = 0
    for (const name of await readdir(this.#path)) bytes += await this.#sizeOf(name)
    const { bavail, bsize } = await statfs(this.#path)
    this.#usedBytes = bytes
    this.#part = bytes / Math.max(1, Math.min(this.#maxBytes, bytes + bavail * bsize))
  }

  /** LevelDB deletes files while we look: one that is gone takes no space. */
  async #sizeOf(name: string): Promise<number> {
    try {
      return (await stat(join(this.#path, name))).size
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 0
      throw error
    }
  }
}
