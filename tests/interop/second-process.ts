// The second implementation as a process: what it tells, a line of JSON each, and what it is told.
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

const PATIENCE_MS = 20_000

export interface Told {
  readonly event: string
  readonly id?: string
  readonly text?: string
  readonly closed?: boolean
  readonly pqEpoch?: number
  readonly from?: string
  readonly name?: string
  readonly state?: number
  readonly kinds?: readonly number[]
  readonly order?: readonly string[]
  readonly reasons?: Readonly<Record<string, number>>
  readonly members?: Readonly<Record<string, number>>
}

/** The other implementation, as a child process that was given a link. */
export class Second {
  readonly #told: Told[] = []
  readonly #child: ChildProcess
  #waiting: (() => void)[] = []
  #written = 0
  #errors = ''

  constructor(program: string, ...words: readonly string[]) {
    this.#child = spawn(process.execPath, [program, ...words], { stdio: ['pipe', 'pipe', 'pipe'] })
    const { stdout, stderr } = this.#child
    if (stdout === null) throw new Error('no output')
    stderr?.on('data', (chunk: Buffer) => (this.#errors += chunk.toString()))
    createInterface({ input: stdout }).on('line', (line) => {
      this.#told.push(JSON.parse(line) as Told)
      this.#wake()
    })
    this.#child.once('exit', () => this.#wake())
  }

  get told(): readonly Told[] {
    return this.#told
  }

  get texts(): readonly Told[] {
    return this.#told.filter(({ event }) => event === 'text')
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const look of waiting) look()
  }

  /** The first thing told that is wanted, or the one after `skipped` such things. */
  async until(wanted: (told: Told) => boolean, skipped = 0): Promise<Told> {
    const limit = AbortSignal.timeout(PATIENCE_MS)
    limit.addEventListener('abort', () => this.#wake(), { once: true })
    for (;;) {
      const found = this.#told.filter(wanted)[skipped]
      if (found !== undefined) return found
      if (limit.aborted || this.#child.exitCode !== null) {
        throw new Error(`it told ${JSON.stringify(this.#told)} ${this.#errors}`)
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  /** Writes a text, or tells it of one to write; resolves with what it tells of it. */
  async send(text: unknown): Promise<Told & { readonly id: string }> {
    const number = this.#written++
    this.command(text)
    const sent = await this.until(({ event }) => event === 'sent', number)
    if (sent.id === undefined) throw new Error('a text without id')
    return { ...sent, id: sent.id }
  }

  /** Tells it something; what it answers is among what it tells. */
  command(said: unknown): void {
    this.#child.stdin?.write(`${JSON.stringify(said)}\n`)
  }

  async delivered(id: string): Promise<void> {
    await this.until((told) => told.event === 'delivered' && told.id === id)
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }
}
