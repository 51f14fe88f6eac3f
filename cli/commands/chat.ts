// sotto chat: one conversation, with a contact or in a group, line by line.
import { type Interface, createInterface } from 'node:readline'
import type { Message, Node, NodeEvent } from '../../node/api.ts'
import type { Group } from '../../node/api-groups.ts'
import { chatOf } from '../../node/chat-of.ts'
import { type Correspondent, correspondent } from '../correspondent.ts'
import { counted } from '../count.ts'
import { groupChanges } from '../group-change.ts'
import { messageLines, stateMark } from '../message-line.ts'
import type { Part } from '../output.ts'
import { type Session, withNode } from '../session.ts'
import { terminalSafeLine } from '../terminal-safe.ts'
import type { Invocation } from '../tree/index.ts'
import { memberLine } from './group.ts'
import { whyLines } from './why.ts'

const HISTORY = 20
/** On a terminal marks of one message that come this close together are one line. */
const MARK_PAUSE_MS = 700
const CLEAR_LINE = '\r\u001B[2K'
const HELP = [
  '/quit      leave (also Ctrl-D)',
  '/why       how far your last message got, and what shows it',
  '/verify    the safety number to compare',
  '/members   who is in the group',
  '//text     a message that begins with a slash',
  'Marks: … queued, ✓ relayed, ✓✓ delivered, ✓✓ read',
]

class Conversation {
  readonly #invocation: Invocation
  readonly #node: Node
  readonly #with: Correspondent
  readonly #lines: Interface
  /** Texts sent from here, so that a mark can say which it is about. */
  readonly #sent = new Map<string, string>()
  readonly #shown = new Set<string>()
  /** Marks that wait for the next one of their message. */
  readonly #marks = new Map<string, string>()
  #last: string | undefined
  /** As it was last shown. */
  #group: Group | undefined

  constructor(invocation: Invocation, node: Node, other: Correspondent, lines: Interface) {
    this.#invocation = invocation
    this.#node = node
    this.#with = other
    this.#group = other.kind === 'group' ? other.group : undefined
    this.#lines = lines
  }

  /** Writes above what is being typed. */
  #show(record: object, human: readonly (readonly Part[])[]): void {
    const { output } = this.#invocation
    if (output.onTerminal) output.raw(CLEAR_LINE)
    output.record(record, () => human)
    if (output.onTerminal) this.#lines.prompt(true)
  }

  /** A word to the user, which is no part of the conversation. */
  talk(text: string): void {
    const { output } = this.#invocation
    if (output.onTerminal) output.raw(CLEAR_LINE)
    output.talk(text)
    if (output.onTerminal) this.#lines.prompt(true)
  }

  async history(): Promise<void> {
    const messages = await this.#node.chats.messages(this.#with.chat, { limit: HISTORY })
    for (const message of messages) {
      if (message.mine) this.#last = message.id
      this.#shown.add(message.id)
      this.#show(message, messageLines(message, false))
    }
    await this.#markRead(messages.filter((message) => !message.mine))
  }

  async #markRead(messages: readonly Message[]): Promise<void> {
    const last = Math.max(0, ...messages.map((message) => message.arrival))
    if (last > 0) await this.#node.chats.markRead(this.#with.chat, last)
  }

  async take(event: NodeEvent): Promise<void> {
    const { chat } = this.#with
    if (event.event === 'message') {
      const { message } = event
      if (message.mine || chatOf(message) !== chat || this.#shown.has(message.id)) return
      this.#shown.add(message.id)
      this.#show(message, messageLines(message, false))
      await this.#markRead([message])
    } else if (event.event === 'message:state') {
      if (this.#sent.has(event.id)) this.#mark(event.id, event.state, event)
    } else if (event.event === 'gap' && this.#isHere(event)) {
      const count = event.last - event.first + 1
      const now = event.missing ? 'missing' : 'no longer missing'
      const from = terminalSafeLine(event.from.name)
      this.#show(event, [[{ text: `  ${count} from ${from} ${now}`, style: 'yellow' }]])
    } else if (event.event === 'group' && event.group.number === this.#group?.number) {
      const changes = groupChanges(this.#group, event.group)
      this.#group = event.group
      this.#show(
        event,
        changes.map((text) => [{ text: `  ${text}`, style: 'dim' }]),
      )
    }
  }

  #isHere({ chat, group }: Extract<NodeEvent, { event: 'gap' }>): boolean {
    return group === undefined ? chat === this.#with.name : `#${group}` === this.#with.chat
  }

  async #send(text: string): Promise<void> {
    if (text.trim() === '') return
    const { signal } = this.#invocation
    if (signal.aborted) return this.talk(`Not sent: ${text}`)
    const { id, state } = await this.#node.chats.send(this.#with.chat, text).catch((error) => {
      // Stopped while the daemon was away: what was typed is not swallowed.
      if (signal.aborted) this.talk(`Not known to be sent: ${text}`)
      throw error
    })
    this.#last = id
    this.#sent.set(id, text)
    this.#mark(id, state, { id, state })
  }

  #mark(id: string, state: string, record: object): void {
    if (!this.#invocation.output.onTerminal) return this.#showMark(id, state, record)
    const waits = this.#marks.has(id)
    this.#marks.set(id, state)
    if (waits) return
    const tell = (): void => {
      const last = this.#marks.get(id) ?? state
      this.#marks.delete(id)
      this.#showMark(id, last, record)
    }
    setTimeout(tell, MARK_PAUSE_MS).unref()
  }

  #showMark(id: string, state: string, record: object): void {
    const text = terminalSafeLine(this.#sent.get(id) ?? '')
    const short = text.length > 40 ? `${text.slice(0, 39)}…` : text
    this.#show(record, [[{ text: `  ${stateMark(state)}  ${short}`, style: 'dim' }]])
  }

  async #why(): Promise<void> {
    if (this.#last === undefined) return this.#show({}, [['You sent nothing yet.']])
    const why = await this.#node.chats.why(this.#last)
    this.#show(why, whyLines(why))
  }

  async #verify(): Promise<void> {
    if (this.#with.kind === 'group') {
      return this.#show({}, [['Safety numbers are between two people: sotto contact verify WHO']])
    }
    const safetyNumber = await this.#node.contacts.safetyNumber(this.#with.chat)
    this.#show({ safetyNumber }, [[safetyNumber]])
  }

  async #members(): Promise<void> {
    if (this.#with.kind === 'contact') return this.#show({}, [['Only the two of you.']])
    const { members } = await this.#node.groups.get(this.#with.chat)
    this.#show({ members }, members.map(memberLine))
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
      else if (line === '/verify') await this.#verify()
      else if (line === '/members') await this.#members()
      else if (line.startsWith('//')) await this.#send(line.slice(1))
      else if (line.startsWith('/')) {
        this.talk(
          `There is no ${line.split(' ')[0] ?? ''}: see /help. For such a text write /${line}`,
        )
      } else await this.#send(line)
    } catch (error) {
      if (this.#invocation.signal.aborted) return true
      // One text that cannot be sent is no reason to leave.
      if (output.onTerminal) output.raw(CLEAR_LINE)
      output.fail(error)
    }
    if (output.onTerminal) this.#lines.prompt(true)
    return true
  }
}

function aboutOther(other: Correspondent): string {
  if (other.kind === 'contact') return other.contact.verified ? 'verified' : 'not verified'
  const { state, members } = other.group
  if (state === 'left' || state === 'removed') {
    return `you ${state === 'left' ? 'left' : 'were removed'}: it can be read, not written to`
  }
  if (state !== 'joined') return state
  return counted(members.length, 'member')
}

async function converse(invocation: Invocation, session: Session): Promise<void> {
  const { words, output, signal } = invocation
  const { node } = session
  const other = await correspondent(node, words[0] ?? '')
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
  const conversation = new Conversation(invocation, node, other, lines)
  session.tell = (text) => conversation.talk(text)
  const from = await node.events.cursor()
  output.talk(`With ${terminalSafeLine(other.name)} (${aboutOther(other)}). /help, /quit`)
  await conversation.history()
  const follow = async (): Promise<void> => {
    for await (const event of node.events.since(from, { signal: stop }))
      await conversation.take(event)
  }
  const following = follow().finally(() => lines.close())
  // Awaited below, after the lines: until then it is no error of nobody's.
  following.catch(() => undefined)
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
  await withNode(invocation, (session) => converse(invocation, session), { stays: true })
}
