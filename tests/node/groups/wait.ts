// Waiting for what a group becomes, by events and never by time.
import type { Group, Message } from '../../../node/index.ts'
import { systemClock } from '../../../node/clock.ts'
import type { RunningNode } from '../../../node/create-node.ts'

const LIMIT_MS = 20_000

/** The first group of a node that is as wanted. */
export async function groupIs(
  node: RunningNode,
  wanted: (group: Group) => boolean,
): Promise<Group> {
  const signal = systemClock.timeout(LIMIT_MS)
  const events = node.events.since(undefined, { signal })
  const now = (await node.groups.list()).find(wanted)
  if (now !== undefined) return now
  for await (const event of events) {
    if (event.event === 'group' && wanted(event.group)) return event.group
  }
  throw new Error(
    `no such group within ${LIMIT_MS} ms: ${JSON.stringify(await node.groups.list())}`,
  )
}

/** The message with this text, once it is there. */
export async function messageIn(node: RunningNode, text: string): Promise<Message> {
  const signal = systemClock.timeout(LIMIT_MS)
  const events = node.events.since(undefined, { signal })
  const now = (await node.chats.messages(undefined, { limit: 1000 })).find(
    (one) => one.text === text,
  )
  if (now !== undefined) return now
  for await (const event of events) {
    if (event.event === 'message' && event.message.text === text) return event.message
  }
  throw new Error(`no message "${text}" at ${node.name} within ${LIMIT_MS} ms`)
}
