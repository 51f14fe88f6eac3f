// The client's end of a subscription: at most a window of events, handed out one at a time.
import type { NodeEvent } from '../api.ts'
import { NodeError } from '../errors.ts'
import { EVENT_ACK_EVERY, EVENT_WINDOW } from './limits.ts'

export class EventQueue {
  readonly #acknowledge: (count: number) => void
  readonly #waiting: NodeEvent[] = []
  #taken = 0
  #ended = false
  #error: unknown
  #wake: () => void = () => undefined

  /** `acknowledge` tells the server how many more it may send. */
  constructor(acknowledge: (count: number) => void) {
    this.#acknowledge = acknowledge
  }

  /** Takes an event from the server. Throws INVALID where it sent more than it may. */
  push(event: NodeEvent): void {
    if (this.#ended) return
    if (this.#waiting.length >= EVENT_WINDOW) {
      throw new NodeError('INVALID', 'the running node sent more events than were asked for')
    }
    this.#waiting.push(event)
    this.#wake()
  }

  /** No more will come; what is here is still handed out before `error` is thrown. */
  end(error: unknown): void {
    if (this.#ended) return
    this.#ended = true
    this.#error = error
    this.#wake()
  }

  /** The next event; undefined at the end. */
  async next(): Promise<NodeEvent | undefined> {
    for (;;) {
      const event = this.#waiting.shift()
      if (event !== undefined) {
        this.#taken += 1
        if (this.#taken >= EVENT_ACK_EVERY) {
          this.#acknowledge(this.#taken)
          this.#taken = 0
        }
        return event
      }
      if (this.#ended) {
        if (this.#error !== undefined) throw this.#error
        return undefined
      }
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}
