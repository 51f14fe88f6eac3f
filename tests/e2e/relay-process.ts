// A relay in a process of its own, which keeps its folder and its port over all its lives.
import { type Started, start } from '../cli/real-sotto.ts'

export class RelayProcess {
  readonly #dir: string
  readonly #environment: Readonly<Record<string, string>>
  #process: Started | undefined

  constructor(dir: string, environment: Readonly<Record<string, string>> = {}) {
    this.#dir = dir
    this.#environment = environment
  }

  get address(): string {
    return String(this.#process?.ready['address'])
  }

  get pid(): number | undefined {
    return this.#process?.child.pid
  }

  async up(): Promise<void> {
    const words = ['relay', 'run', '--open', '--dir', this.#dir]
    this.#process = await start(words, this.#environment)
  }

  /** Ends it, as a user (SIGTERM) or as a power cut (SIGKILL) does. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.#process?.child.kill(signal)
    await this.#process?.ended
  }
}
