// The screen of a chat: what is shown appears above what is being typed.
import type { Interface } from 'node:readline'
import type { Output, Part } from '../output.ts'

const CLEAR_LINE = '\r\u001B[2K'

export class Screen {
  readonly #output: Output
  readonly #lines: Interface

  constructor(output: Output, lines: Interface) {
    this.#output = output
    this.#lines = lines
  }

  /** Whether a person reads it. */
  get onTerminal(): boolean {
    return this.#output.onTerminal
  }

  /** Where the next line is typed. */
  prompt(): void {
    if (this.onTerminal) this.#lines.prompt(true)
  }

  #above(write: () => void): void {
    if (this.onTerminal) this.#output.raw(CLEAR_LINE)
    write()
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
