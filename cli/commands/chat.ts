// sotto chat: one conversation, with a contact or in a group, line by line.
import { createInterface } from 'node:readline'
import { Conversation } from '../chat/conversation.ts'
import { Screen } from '../chat/screen.ts'
import { MARK_PASTES, MARK_PASTES_NO_MORE, typedTexts } from '../chat/texts.ts'
import { type } from '../chat/typed.ts'
import { type Correspondent, correspondent } from '../correspondent.ts'
import { counted } from '../count.ts'
import { standingText } from './group.ts'
import { type Session, withNode } from '../session.ts'
import { terminalSafeLine } from '../terminal-safe.ts'
import type { Invocation } from '../tree/index.ts'

function aboutOther(other: Correspondent): string {
  if (other.kind === 'contact') return other.contact.verified ? 'verified' : 'not verified'
  const { state, members } = other.group
  if (state === 'left' || state === 'removed') {
    return `you ${state === 'left' ? 'left' : 'were removed'}: it can be read, not written to`
  }
  if (state !== 'joined') return standingText(other.group)
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
  // readline turns Ctrl-C into an event of its own while it reads.
  lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  const ended = new AbortController()
  const stop = AbortSignal.any([signal, ended.signal])
  stop.addEventListener('abort', () => lines.close(), { once: true })
  const screen = new Screen(output, lines)
  const keys = output.onTerminal && process.stdin.isTTY ? process.stdin : undefined
  const pasted = (count: number): void =>
    screen.talk(`${counted(count, 'line')} pasted: Enter sends them as one message.`)
  const texts = typedTexts({ lines, keys, pasted })
  const conversation = new Conversation(node, other, screen, signal)
  session.tell = (text) => screen.talk(text)
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
  if (keys !== undefined) output.raw(MARK_PASTES)
  screen.prompt()
  try {
    for await (const text of texts)
      if (!(await type({ node, other, screen, conversation, signal }, text))) break
  } finally {
    if (keys !== undefined) output.raw(MARK_PASTES_NO_MORE)
    ended.abort()
    lines.close()
  }
  await following
  await session.settle()
}

export async function run(invocation: Invocation): Promise<void> {
  await withNode(invocation, (session) => converse(invocation, session), { stays: true })
}
