// sotto chat: one conversation, line by line.
import { type Interface, createInterface } from 'node:readline'
import type { Contact, Message, Node, NodeEvent } from '../../node/api.ts'
import { messageLines, stateMark } from '../message-line.ts'
import type { Part } from '../output.ts'
import { type Session, withNode } from '../session.ts'
import { terminalSafeLine } from '../terminal-safe.ts'
import type { Invocation } from '../tree/index.ts'
import { whyLines } from './why.ts'

const HISTORY = 20
const CLEAR_LINE = '\r\u001B[2K'
const HELP = [
  '/quit      leave (also Ctrl-D)',
  '/why       how far your last message got, and what shows it',
  '/verify    the safety number to compare',
  '//text     a message that begins with a slash',
  'Marks: … queued, ✓ relayed, ✓✓ delivered, ✓✓ read',
]

class Conversation {
  readonly #invocation: Invocation
  readonly #node: Node
  readonly #contact: Contact
  readonly #lines: Interface
  /** Texts sent from here, so that a mark can say which it is about. */
  readonly #sent = new Map<string, string>()
  readonly #shown = new Set<string>()
  #last: string | undefined

  constructor(invocation: Invocation, node: Node, contact: Contact, lines: Interface) {
    this.#invocation = invocation
    this.#node = node
    this.#contact = contact
    this.#lines = lines
  }

  /** Writes above what is being typed. */
  #show(record: object, human: readonly (readonly Part[])[]): void {
    const { output } = this.#invocation
    if (output.onTerminal) output.raw(CLEAR_LINE)
    output.record(record, () => human)
    if (output.onTerminal) this.#lines.prompt(true)
  }

  async history(): Promise<void> {
    const messages = await this.#node.chats.messages(this.#contact.address, { limit: HISTORY })
    for (const message of messages) {
      if (message.mine) this.#last = message.id
      this.#shown.add(message.id)
      this.#show(message, messageLines(message, false))
    }
    await this.#markRead(messages.filter((message) => !message.mine))
  }

  async #markRead(messages: readonly Message[]): Promise<void> {
    const last = Math.max(0, ...messages.map((message) => message.arrival))
    if (last > 0) await this.#node.chats.markRead(this.#contact.address, last)
  }

  async take(event: NodeEvent): Promise<void> {
    const { address, name } = this.#contact
    if (event.event === 'message') {
      const { message } = event
      if (message.mine || message.from.address !== address || this.#shown.has(message.id)) return
      this.#shown.add(message.id)
      this.#show(message, messageLines(message, false))
      await this.#markRead([message])
    } else if (event.event === 'message:state') {
      const text = this.#sent.get(event.id)
      if (text === undefined) return
      const short = text.length > 40 ? `${text.slice(0, 39)}…` : text
      const line = `  ${stateMark(event.state)}  ${terminalSafeLine(short)}`
      this.#show(event, [[{ text: line, style: 'dim' }]])
    } else if (event.event === 'gap' && event.from.address === address) {
      const count = event.last - event.first + 1
      const now = event.missing ? 'missing' : 'no longer missing'
      this.#show(event, [
        [{ text: `  ${count} from ${terminalSafeLine(name)} ${now}`, style: 'yellow' }],
      ])
    }
  }

  async #send(text: string): Promise<void> {
    if (text.trim() === '') return
    const { id, state } = await this.#node.chats.send(this.#contact.address, text)
    this.#last = id
    this.#sent.set(id, text)
    this.#show({ id, state }, [[{ text: `  ${stateMark(state)}`, style: 'dim' }]])
  }

  async #why(): Promise<void> {
    if (this.#last === undefined) return this.#show({}, [['You sent nothing yet.']])
    const why = await this.#node.chats.why(this.#last)
    this.#show(why, whyLines(why))
  }

  /** Carries out a typed line; false for /quit. */
  async type(line: string): Promise<boolean> {
    const { output } = this.#invocation
    try {
      if (line === '/quit') return false
      if (line === '/why') await this.#why()
      else if (line === '/help')
        this.#show(
          { help: HELP },
          HELP.map((text) => [text]),
        )
      else if (line === '/verify') {
        const safetyNumber = await this.#node.contacts.safetyNumber(this.#contact.address)
        this.#show({ safetyNumber }, [[safetyNumber]])
      } else if (line.startsWith('//')) await this.#send(line.slice(1))
      else if (line.startsWith('/')) {
        output.talk(
          `There is no ${line.split(' ')[0] ?? ''}: see /help. For such a text write /${line}`,
        )
      } else await this.#send(line)
    } catch (error) {
      // One text that cannot be sent is no reason to leave.
      if (output.onTerminal) output.raw(CLEAR_LINE)
      output.fail(error)
    }
    if (output.onTerminal) this.#lines.prompt(true)
    return true
  }
}

async function converse(invocation: Invocation, session: Session): Promise<void> {
  const { words, output, signal } = invocation
  const { node } = session
  const contact = await node.contacts.get(words[0] ?? '')
  const lines = createInterface({
    input: process.stdin,
    ...(output.onTerminal ? { output: process.stdout } : {}),
    prompt: '> ',
    terminal: output.onTerminal && process.stdin.isTTY,
  })
  // Taken at once: lines that come before anybody listens would be lost, and the end with them.
  const typed = lines[Symbol.asyncIterator]()
  // readline turns Ctrl-C into an event of its own while it reads.
  lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  const ended = new AbortController()
  const stop = AbortSignal.any([signal, ended.signal])
  stop.addEventListener('abort', () => lines.close(), { once: true })
  const conversation = new Conversation(invocation, node, contact, lines)
  const from = await node.events.cursor()
  output.talk(
    `With ${contact.name} (${contact.verified ? 'verified' : 'not verified'}). /help, /quit`,
  )
  await conversation.history()
  const follow = async (): Promise<void> => {
    for await (const event of node.events.since(from, { signal: stop }))
      await conversation.take(event)
  }
  const following = follow().finally(() => lines.close())
  if (output.onTerminal) lines.prompt()
  try {
    for await (const line of { [Symbol.asyncIterator]: () => typed })
      if (!(await conversation.type(line))) break
  } finally {
    ended.abort()
    lines.close()
  }
  await following
  await session.settle()
}

export async function run(invocation: Invocation): Promise<void> {
  await withNode(invocation, (session) => converse(invocation, session))
}
