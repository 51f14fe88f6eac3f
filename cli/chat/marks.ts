// How far the messages of a chat got, told as it rises.
import { stateMark } from '../message-line.ts'
import { terminalSafeLine } from '../terminal-safe.ts'
import type { Screen } from './screen.ts'

/** On a terminal marks of one message that come this close together are one line. */
const PAUSE_MS = 700
const TEXT_MAX_CHARS = 40

export class Marks {
  readonly #screen: Screen
  /** One's own texts on the screen, so that a mark can say which it is about. */
  readonly #own = new Map<string, string>()
  /** Marks that wait for the next one of their message. */
  readonly #waiting = new Map<string, string>()

  constructor(screen: Screen) {
    this.#screen = screen
  }

  /** A text that was sent from here: its mark follows. */
  sent(id: string, text: string, state: string): void {
    this.#own.set(id, text)
    this.rose(id, state, { id, state })
  }

  /** A text of one's own that was shown with its mark. */
  shown(id: string, text: string): void {
    this.#own.set(id, text)
  }

  /** A message got further; nothing where it is not on this screen. */
  rose(id: string, state: string, record: object): void {
    if (!this.#own.has(id)) return
    if (!this.#screen.onTerminal) return this.#show(id, state, record)
    const waits = this.#waiting.has(id)
    this.#waiting.set(id, state)
    if (waits) return
    const tell = (): void => {
      const last = this.#waiting.get(id) ?? state
      this.#waiting.delete(id)
      this.#show(id, last, record)
    }
    setTimeout(tell, PAUSE_MS).unref()
  }

  #show(id: string, state: string, record: object): void {
    const text = terminalSafeLine(this.#own.get(id) ?? '')
    const short = text.length > TEXT_MAX_CHARS ? `${text.slice(0, TEXT_MAX_CHARS - 1)}…` : text
    this.#screen.show(record, [[{ text: `  ${stateMark(state)}  ${short}`, style: 'dim' }]])
  }
}
