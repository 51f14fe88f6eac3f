// A program of ours in a process of its own, and what it says, one JSON object a line.
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { BUILT } from './build-programs.ts'

export interface Said {
  readonly link?: string
  readonly address?: string
  readonly text?: string
  readonly id?: string
}

const PATIENCE_MS = 20_000

export class Child {
  readonly said: Said[] = []
  readonly #process: ChildProcess
  readonly #exited: Promise<void>
  #errors = ''
  #wake: () => void = () => undefined

  constructor(program: string, args: readonly string[]) {
    const path = join(BUILT, program)
    this.#process = spawn(process.execPath, [path, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#exited = new Promise((resolve) => {
      this.#process.once('exit', () => {
        resolve()
        this.#wake()
      })
    })
    const { stdout, stderr } = this.#process
    stderr?.on('data', (chunk: Buffer) => (this.#errors += chunk.toString()))
    if (stdout === null) throw new Error('no output')
    createInterface({ input: stdout }).on('line', (line) => {
      this.said.push(JSON.parse(line) as Said)
      this.#wake()
    })
  }

  /** The first thing said, from now on or before, that is wanted. */
  async until<T>(wanted: (said: readonly Said[]) => T | undefined): Promise<T> {
    const endMs = Date.now() + PATIENCE_MS
    for (;;) {
      const found = wanted(this.said)
      if (found !== undefined) return found
      const leftMs = endMs - Date.now()
      if (leftMs <= 0 || this.#process.exitCode !== null) {
        throw new Error(`it said ${JSON.stringify(this.said)} ${this.#errors}`)
      }
      await new Promise<void>((resolve) => {
        const late = setTimeout(resolve, leftMs)
        this.#wake = () => {
          clearTimeout(late)
          resolve()
        }
      })
    }
  }

  /** kill -9: no handler runs, nothing is flushed. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.#exited
  }
}

/** A port of the loopback that nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      server.close(() => resolve(port))
    })
  })
}
