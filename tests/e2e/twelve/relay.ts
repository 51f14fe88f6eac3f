// A relay in a process of its own, which dials through the exchange as people do.
import { join } from 'node:path'
import { type Started, start } from '../../cli/real-sotto.ts'
import type { Exchange } from './exchange.ts'
import { LOADER } from './loader.ts'

export class Relay {
  readonly name: string
  readonly #root: string
  readonly #exchange: Exchange
  #process: Started | undefined

  constructor(name: string, root: string, exchange: Exchange) {
    this.name = name
    this.#root = root
    this.#exchange = exchange
  }

  get address(): string {
    return String(this.#process?.ready['address'])
  }

  /** Starts it, or starts it again: its port stays the same. */
  async up(): Promise<void> {
    const words = ['relay', 'run', '--open', '--dir', join(this.#root, this.name)]
    this.#process = await start(words, this.#exchange.environment(this.name, LOADER))
    const port = /\/tcp\/(\d+)/.exec(this.address)?.[1]
    if (port === undefined) throw new Error(`${this.address} has no port`)
    this.#exchange.name(Number(port), this.name)
  }

  async kill(): Promise<void> {
    this.#process?.child.kill('SIGKILL')
    await this.#process?.ended
  }

  async stop(): Promise<void> {
    this.#process?.child.kill('SIGTERM')
    await this.#process?.ended
  }
}
