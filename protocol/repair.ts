// What a check-up reads of a profile's records, and what a repaired one must do before it may send
// again: records may have been lost, so what is left of a session may be older than what it sent.
import { equalBytes } from '../crypto/index.ts'
import { allContacts } from './contacts/contact.ts'
import { encryptAgain } from './delivery/carriage.ts'
import { dequeue, eachItem, recountOutbox } from './delivery/outbox.ts'
import { ABSENCE, directConversation } from './log/entry.ts'
import { conversationFrontier, firstAt } from './log/frontier.ts'
import { readHeldEntry } from './log/read.ts'
import { knownDevices } from './peers/known-devices.ts'
import { endSessions } from './session/keep-session.ts'
import type { Step, Turn } from './step.ts'

export interface LostEntries {
  /** As it is listed. */
  readonly contact: string
  /** Whether they are one's own. */
  readonly mine: boolean
  /** Entries that are counted as held, and whose header or body is not there. */
  readonly headers: number
  readonly bodies: number
}

/** Entries that the tables count and that are not there, by contact and author. */
export function* findLostEntries(turn: Turn): Step<readonly LostEntries[]> {
  const found: LostEntries[] = []
  for (const { account, name } of yield* allContacts()) {
    const conversation = directConversation(turn.crypto, turn.self.account, account)
    for (const { author, n, baseN } of (yield* conversationFrontier(turn, conversation)).authors) {
      let headers = 0
      let bodies = 0
      for (let at = baseN + 1; at <= n; at++) {
        const ref = yield* firstAt(conversation, author, at)
        const entry = ref === undefined ? undefined : yield* readHeldEntry(turn, ref.id)
        if (entry === undefined) headers += 1
        else if (entry.body === ABSENCE.notHeld) bodies += 1
      }
      const mine = equalBytes(author, turn.self.device)
      if (headers + bodies > 0) found.push({ contact: name, mine, headers, bodies })
    }
  }
  return found
}

/**
 * Makes a repaired profile safe to run: every session ends, so that no key is used twice, and what
 * waits is encrypted again in new ones. Items whose entry is gone go with it; how many.
 */
export function* startAnew(turn: Turn): Step<number> {
  let dropped = 0
  for (const { account } of yield* allContacts()) {
    for (const { device } of yield* knownDevices(account)) {
      yield* recountOutbox(turn, device)
      yield* eachItem(device, function* (item) {
        const { content } = item
        if (content.kind !== 'entry') return
        if ((yield* readHeldEntry(turn, content.entry)) !== undefined) return
        yield* dequeue(turn, item)
        dropped += 1
      })
      yield* endSessions(turn, device)
      yield* encryptAgain(turn, device, () => true)
    }
  }
  return dropped
}
