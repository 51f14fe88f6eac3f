// Messages of several chats in the order in which they came. Within a chat the count of arrivals says it,
// whatever the clock did; between chats there is nothing but the clock.
import type { Message } from '../api.ts'

/** One row of chats, each in any order, as one list, oldest first. */
export function inOrderOfArrival(chats: readonly (readonly Message[])[]): readonly Message[] {
  const timed = chats.flatMap((messages) => {
    let atMs = 0
    return messages
      .toSorted((a, b) => a.arrival - b.arrival)
      .map((message) => {
        atMs = Math.max(atMs, message.arrivedAt)
        return { message, atMs }
      })
  })
  // A sort that is stable: those of one chat stay as they are.
  return timed.sort((a, b) => a.atMs - b.atMs).map(({ message }) => message)
}
