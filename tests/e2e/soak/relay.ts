// A relay in a process of its own, which keeps its port over all its lives.
import { join } from 'node:path'
import { type Started, start } from '../../cli/real-sotto.ts'

export class Relay {
  readonly name: string
  readonly #dir: string
  #process: Started | undefined

  constructor(name: string, root: string) {
    this.name = `relay ${name}`
    this.#dir = join(root, `relay-${name}`)
  }

  get address(): string {
    return String(this.#process?.ready['address'])
  }

  get pid(): number | undefined {
    return this.#process?.child.pid
  }

  async up(): Promise<void> {
    this.#process = await start(['relay', 'run', '--open', '--dir', this.#dir])
  }

  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.#process?.child.kill(signal)
    await this.#process?.ended
  }
}
