// The chat that a message belongs to, as every call takes it.
import type { Chat, Message } from './api.ts'

/** `#` and the group's id, or the other person's address: a name may change, these do not. */
export function chatOf(message: Message): Chat {
  if (message.group !== undefined) return `#${message.group}`
  return (message.mine ? message.to : message.from).address
}
