// sotto read: messages of one chat in the order of its log, of all chats as they arrived.
import type { Message, Node } from '../../node/api.ts'
import { chatOf } from '../../node/chat-of.ts'
import { correspondent } from '../correspondent.ts'
import { followed } from '../followed.ts'
import { messageLines } from '../message-line.ts'
import { type Session, withNode } from '../session.ts'
import type { Invocation } from '../tree/index.ts'

const DEFAULT_LIMIT = 20
const MAX_LIMIT = 1_000_000
/** Messages asked for at once: keeps an answer small whatever -n says. */
const PAGE = 200

interface Wish {
  readonly who: string | undefined
  readonly limit: number
  readonly unread: boolean
}

async function history(node: Node, { who, limit, unread }: Wish): Promise<readonly Message[]> {
  if (who === undefined || unread) return node.chats.messages(who, { limit, unread })
  let found: readonly Message[] = []
  while (found.length < limit) {
    const before = found[0]?.id
    const page = await node.chats.messages(who, {
      limit: Math.min(PAGE, limit - found.length),
      ...(before === undefined ? {} : { before }),
    })
    found = [...page, ...found]
    if (page.length === 0) break
  }
  return found
}

/** Marks as read up to the first unread message that was not shown, for each chat. */
async function mark(node: Node, shown: readonly Message[]): Promise<void> {
  const seen = new Set(shown.map((message) => message.id))
  const chats = new Set(shown.filter((message) => !message.mine).map(chatOf))
  for (const who of chats) {
    const unread = await node.chats.messages(who, { unread: true, limit: PAGE })
    const hidden = unread.findIndex((message) => !seen.has(message.id))
    const last = hidden === -1 ? unread.at(-1) : unread[hidden - 1]
    if (last !== undefined) await node.chats.markRead(who, last.arrival)
  }
}

async function follow(
  invocation: Invocation,
  { node }: Session,
  options: { readonly from: number; readonly chat: string | undefined; readonly marks: boolean },
  shown: Set<string>,
): Promise<void> {
  const { output } = invocation
  for await (const event of followed(invocation, node, options.from)) {
    if (event.event !== 'message' || shown.has(event.message.id)) continue
    const { message } = event
    const chat = chatOf(message)
    if (options.chat !== undefined && chat !== options.chat) continue
    output.record(message, () => messageLines(message, options.chat === undefined))
    if (options.marks && !message.mine) await node.chats.markRead(chat, message.arrival)
  }
}

export async function run(invocation: Invocation): Promise<void> {
  const { words, flags, output } = invocation
  const wish: Wish = {
    who: words[0],
    limit: flags.count('limit', 1, MAX_LIMIT) ?? DEFAULT_LIMIT,
    unread: flags.on('unread'),
  }
  const marks = flags.on('mark') || output.onTerminal
  const offline = flags.on('offline')
  await withNode(
    invocation,
    async (session) => {
      const { node } = session
      await session.settle()
      const chat = wish.who === undefined ? undefined : (await correspondent(node, wish.who)).chat
      // Taken first: what comes while the history is read is followed, not missed.
      const from = await node.events.cursor()
      const messages = await history(node, wish)
      for (const message of messages) {
        output.record(message, () => messageLines(message, wish.who === undefined))
      }
      if (messages.length === 0) output.talk(wish.unread ? 'Nothing unread.' : 'No messages yet.')
      if (marks) await mark(node, messages)
      if (flags.on('follow')) {
        const shown = new Set(messages.map((message) => message.id))
        await follow(invocation, session, { from, chat, marks }, shown)
      } else if (marks) await session.settle()
    },
    { online: !offline, stays: flags.on('follow') },
  )
}
