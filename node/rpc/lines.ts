// Newline-delimited JSON: one value a line, UTF-8, no line above a limit.
import { NodeError } from '../errors.ts'

const NEWLINE = 0x0a

/** Cuts a byte stream into lines. Throws TOO_LARGE for one above the limit: close the connection. */
export class LineDecoder {
  readonly #maxBytes: number
  #parts: Uint8Array[] = []
  #heldBytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** The whole lines that end in `chunk`, without their newline; empty ones are left out. */
  push(chunk: Uint8Array): string[] {
    const lines: string[] = []
    let from = 0
    for (;;) {
      const end = chunk.indexOf(NEWLINE, from)
      const rest = chunk.subarray(from, end === -1 ? chunk.length : end)
      this.#heldBytes += rest.length
      if (this.#heldBytes > this.#maxBytes) {
        throw new NodeError('TOO_LARGE', `a line of more than ${this.#maxBytes} bytes`)
      }
      if (rest.length > 0) this.#parts.push(rest)
      if (end === -1) return lines
      if (this.#heldBytes > 0) lines.push(Buffer.concat(this.#parts).toString('utf8'))
      this.#parts = []
      this.#heldBytes = 0
      from = end + 1
    }
  }
}

/** One value as a line. */
export function encodeLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`
}
