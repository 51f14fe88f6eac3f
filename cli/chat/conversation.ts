// What is said in one chat: its history, what comes, and what is sent.
import type { Message, Node, NodeEvent } from '../../node/api.ts'
import type { Group } from '../../node/api-groups.ts'
import { asWord } from '../../node/as-word.ts'
import { chatOf } from '../../node/chat-of.ts'
import type { Correspondent } from '../correspondent.ts'
import { groupChanges } from '../group-change.ts'
import { messageLines } from '../message-line.ts'
import { terminalSafeLine } from '../terminal-safe.ts'
import { Marks } from './marks.ts'
import type { Screen } from './screen.ts'

/** Messages shown at first; more where more are unread. */
const HISTORY = 20
const HISTORY_MAX = 200

export class Conversation {
  readonly #node: Node
  readonly #with: Correspondent
  readonly #screen: Screen
  /** Aborts where the chat is left. */
  readonly #signal: AbortSignal
  readonly #marks: Marks
  readonly #shown = new Set<string>()
  #last: string | undefined
  /** Ends when the id of what is being sent is known. */
  #sending: Promise<unknown> = Promise.resolve()
  /** As it was last shown. */
  #group: Group | undefined

  constructor(node: Node, other: Correspondent, screen: Screen, signal: AbortSignal) {
    this.#node = node
    this.#with = other
    this.#screen = screen
    this.#signal = signal
    this.#marks = new Marks(screen)
    this.#group = other.kind === 'group' ? other.group : undefined
  }

  /** Id of one's own last message; undefined where there is none. */
  get last(): string | undefined {
    return this.#last
  }

  async history(): Promise<void> {
    const other = this.#with
    const { unread } = other.kind === 'group' ? other.group : other.contact
    const limit = Math.min(Math.max(unread, HISTORY), HISTORY_MAX)
    const messages = await this.#node.chats.messages(other.chat, { limit })
    if (unread > limit) {
      const word = asWord(other.name, other.chat)
      this.#screen.talk(`${unread} are unread. All of them: sotto read ${word} -n ${unread}`)
    }
    for (const message of messages) this.#show(message)
    await this.#markRead(messages.filter((message) => !message.mine))
  }

  #show(message: Message): void {
    this.#shown.add(message.id)
    this.#screen.show(message, messageLines(message, false))
    if (!message.mine) return
    this.#last = message.id
    if (message.state !== 'read') this.#marks.shown(message.id, message.text)
  }

  async #markRead(messages: readonly Message[]): Promise<void> {
    const last = Math.max(0, ...messages.map((message) => message.arrival))
    if (last > 0) await this.#node.chats.markRead(this.#with.chat, last)
  }

  async take(event: NodeEvent): Promise<void> {
    if (event.event === 'message') {
      const { message } = event
      // One's own may come from another terminal; what goes out from here is known by its id.
      if (message.mine) await this.#sending
      if (chatOf(message) !== this.#with.chat || this.#shown.has(message.id)) return
      this.#show(message)
      if (!message.mine) await this.#markRead([message])
    } else if (event.event === 'message:state') {
      this.#marks.rose(event.id, event.state, event)
    } else if (event.event === 'gap' && this.#isHere(event)) {
      const count = event.last - event.first + 1
      const missing = event.irretrievable === true ? 'missing for good' : 'missing'
      const now = event.missing ? missing : 'no longer missing'
      const from = terminalSafeLine(event.from.name)
      this.#screen.show(event, [[{ text: `  ${count} from ${from} ${now}`, style: 'yellow' }]])
    } else if (event.event === 'group' && event.group.number === this.#group?.number) {
      const changes = groupChanges(this.#group, event.group)
      this.#group = event.group
      const lines = changes.map((text) => [{ text: `  ${text}`, style: 'dim' } as const])
      this.#screen.show(event, lines)
    } else if (event.event === 'warning' && (event.chat ?? this.#with.name) === this.#with.name) {
      const text = `  ${event.code}: ${terminalSafeLine(event.text)}`
      this.#screen.show(event, [[{ text, style: 'yellow' }]])
    }
  }

  #isHere({ chat, group }: Extract<NodeEvent, { event: 'gap' }>): boolean {
    return group === undefined ? chat === this.#with.name : `#${group}` === this.#with.chat
  }

  async send(text: string): Promise<void> {
    if (text.trim() === '') return
    if (this.#signal.aborted) return this.#screen.quote(`Not sent: ${text}`)
    const sending = this.#node.chats.send(this.#with.chat, text).then((sent) => {
      this.#shown.add(sent.id)
      return sent
    })
    this.#sending = sending.catch(() => undefined)
    const { id, state } = await sending.catch((error) => {
      // Stopped while the daemon was away: what was typed is not swallowed.
      if (this.#signal.aborted) this.#screen.quote(`Not known to be sent: ${text}`)
      throw error
    })
    this.#last = id
    this.#marks.sent(id, text, state)
  }
}
