// A relay that dials through the exchange as people do.
import { join } from 'node:path'
import { RelayProcess } from '../relay-process.ts'
import type { Exchange } from './exchange.ts'
import { LOADER } from './loader.ts'

export class Relay extends RelayProcess {
  readonly name: string
  readonly #exchange: Exchange

  constructor(name: string, root: string, exchange: Exchange) {
    super(join(root, name), exchange.environment(name, LOADER))
    this.name = name
    this.#exchange = exchange
  }

  override async up(): Promise<void> {
    await super.up()
    const port = /\/tcp\/(\d+)/.exec(this.address)?.[1]
    if (port === undefined) throw new Error(`${this.address} has no port`)
    this.#exchange.name(Number(port), this.name)
  }
}
