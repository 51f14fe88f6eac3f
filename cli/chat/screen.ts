// The screen of a chat: what is shown appears above what is being typed.
import type { Interface } from 'node:readline'
import type { Output, Part } from '../output.ts'

const CLEAR_BELOW = '\r\u001B[J'

function up(rows: number): string {
  return rows === 0 ? '' : `\u001B[${rows}A`
}

export class Screen {
  readonly #output: Output
  readonly #lines: Interface
  /** A prompt stands there, and nobody pressed Enter yet. */
  #prompted = false
  #closed = false

  constructor(output: Output, lines: Interface) {
    this.#output = output
    this.#lines = lines
    lines.on('line', () => (this.#prompted = false))
    lines.once('close', () => {
      this.#closed = true
      if (this.#prompted) this.#output.raw('\n')
    })
  }

  /** Whether a person reads it. */
  get onTerminal(): boolean {
    return this.#output.onTerminal
  }

  /** Where the next line is typed. */
  prompt(): void {
    if (!this.onTerminal || this.#closed) return
    this.#lines.prompt(true)
    this.#prompted = true
  }

  #above(write: () => void): void {
    if (!this.onTerminal || this.#closed) return write()
    const { rows } = this.#lines.getCursorPos()
    this.#output.raw(up(rows) + CLEAR_BELOW)
    write()
    // readline goes up by as many rows as the cursor was down, and clears what is below.
    this.#output.raw('\n'.repeat(rows))
    this.prompt()
  }

  show(record: object, human: readonly (readonly Part[])[]): void {
    this.#above(() => this.#output.record(record, () => human))
  }

  /** A word to the user, which is no part of the conversation. */
  talk(text: string): void {
    this.#above(() => this.#output.talk(text))
  }

  /** The same, where it holds what the user typed. */
  quote(text: string): void {
    this.#above(() => this.#output.quote(text))
  }

  fail(error: unknown): void {
    this.#above(() => this.#output.fail(error))
  }
}
