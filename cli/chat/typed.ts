// A line that was typed into a chat: a text to send, or one of its commands.
import type { Node } from '../../node/api.ts'
import { memberLine } from '../commands/group.ts'
import { whyLines } from '../commands/why.ts'
import type { Correspondent } from '../correspondent.ts'
import type { Conversation } from './conversation.ts'
import type { Screen } from './screen.ts'

const HELP = [
  '/quit      leave (also Ctrl-D)',
  '/why       how far your last message got, and what shows it',
  '/verify    the safety number to compare',
  '/members   who is in the group',
  '//text     a message that begins with a slash',
  'Marks: … queued, ✓ relayed, ✓✓ delivered, ✓✓ read',
]

export interface Typing {
  readonly node: Node
  readonly other: Correspondent
  readonly screen: Screen
  readonly conversation: Conversation
  /** Aborts where the chat is left. */
  readonly signal: AbortSignal
}

async function why({ node, conversation, screen }: Typing): Promise<void> {
  if (conversation.last === undefined) return screen.show({}, [['You sent nothing yet.']])
  const found = await node.chats.why(conversation.last)
  screen.show(found, whyLines(found))
}

async function verify({ node, other, screen }: Typing): Promise<void> {
  if (other.kind === 'group') {
    return screen.talk('Safety numbers are between two people: sotto contact verify WHO')
  }
  const safetyNumber = await node.contacts.safetyNumber(other.chat)
  screen.show({ safetyNumber }, [[safetyNumber]])
}

async function members({ node, other, screen }: Typing): Promise<void> {
  if (other.kind === 'contact') return screen.show({}, [['Only the two of you.']])
  const group = await node.groups.get(other.chat)
  screen.show({ members: group.members }, group.members.map(memberLine))
}

async function carryOut(typing: Typing, line: string): Promise<void> {
  const { screen, conversation } = typing
  // What was pasted is a text, a path or a listing perhaps: a command is one line.
  if (!line.startsWith('/') || line.includes('\n')) return conversation.send(line)
  if (line.startsWith('//')) return conversation.send(line.slice(1))
  switch (line) {
    case '/why':
      return why(typing)
    case '/verify':
      return verify(typing)
    case '/members':
      return members(typing)
    case '/help':
      return screen.show(
        { help: HELP },
        HELP.map((text) => [text]),
      )
    default: {
      const word = line.split(' ')[0] ?? ''
      return screen.quote(`There is no ${word}: see /help. For such a text write /${line}`)
    }
  }
}

/** Carries out a typed line; false for /quit. */
export async function type(typing: Typing, line: string): Promise<boolean> {
  if (line === '/quit') return false
  try {
    await carryOut(typing, line)
  } catch (error) {
    if (typing.signal.aborted) return true
    // One text that cannot be sent is no reason to leave.
    typing.screen.fail(error)
  }
  typing.screen.prompt()
  return true
}
