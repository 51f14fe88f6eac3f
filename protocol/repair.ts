// What a check-up reads of a profile's records, and what a repaired one must do before it may send
// again: records may have been lost, so what is left of a session may be older than what it sent.
import { type Bytes32, equalBytes } from '../crypto/index.ts'
import { allContacts } from './contacts/contact.ts'
import { noteBehind } from './delivery/behind.ts'
import { encryptAgain } from './delivery/carriage.ts'
import { dequeue, eachItem, recountOutbox } from './delivery/outbox.ts'
import { wantsSync } from './delivery/sync-contact.ts'
import { allGroups } from './groups/group.ts'
import { wantsCompare } from './groups/sync-group.ts'
import { directConversation } from './log/entry.ts'
import {
  type AuthorFrontier,
  type ConversationFrontier,
  conversationFrontier,
  firstAt,
} from './log/frontier.ts'
import { authorTable } from './log/author-table.ts'
import { rangesHave } from './log/ranges.ts'
import { readHeldEntry } from './log/read.ts'
import { rebuildLog } from './log/rebuild.ts'
import { bodyTable, entryTable } from './log/tables.ts'
import { knownDevices } from './peers/known-devices.ts'
import { endSessions } from './session/keep-session.ts'
import { type Step, type Turn, get } from './step.ts'

export interface LostEntries {
  /** A contact as it is listed, or a group with its #. */
  readonly chat: string
  /** Whether they are one's own. */
  readonly mine: boolean
  /** Entries that are counted as held, and whose header or body is not there. */
  readonly headers: number
  readonly bodies: number
}

/** Entries that the tables count and that are not there, by conversation and author. */
export function* findLostEntries(turn: Turn): Step<readonly LostEntries[]> {
  const found: LostEntries[] = []
  for (const { conversation, name: chat } of yield* conversations(turn)) {
    for (let from: number | undefined = 0; from !== undefined;) {
      const frontier: ConversationFrontier = yield* conversationFrontier(turn, conversation, from)
      for (const author of frontier.authors) {
        const lost = yield* lostOf(conversation, author)
        const mine = equalBytes(author.author, turn.self.device)
        if (lost.headers + lost.bodies > 0) found.push({ chat, mine, ...lost })
      }
      from = frontier.next
    }
  }
  return found
}

function* lostOf(
  conversation: Bytes32,
  { author, n, baseN }: AuthorFrontier,
): Step<Pick<LostEntries, 'headers' | 'bodies'>> {
  let headers = 0
  let bodies = 0
  const named = (yield* get(authorTable, { conversation, author }))?.lost ?? []
  for (let at = baseN + 1; at <= n; at++) {
    if (rangesHave(named, at)) continue
    const id = (yield* firstAt(conversation, author, at))?.id
    const row = id === undefined ? undefined : yield* get(entryTable, id)
    if (id === undefined || row === undefined) {
      headers += 1
      continue
    }
    // A text that was never here, as from before one joined a group, is not lost; nor one that a
    // repair has named and asks for.
    const isHere = (yield* get(bodyTable, { conversation, id })) !== undefined
    if (row.reason === 0 && !isHere) bodies += 1
  }
  return { headers, bodies }
}

interface Named {
  readonly conversation: Bytes32
  readonly name: string
}

/** Every conversation of the profile, and what it is called. */
function* conversations(turn: Turn): Step<readonly Named[]> {
  const direct = (yield* allContacts()).map(({ account, name }) => ({
    conversation: directConversation(turn.crypto, turn.self.account, account),
    name,
  }))
  const groups = (yield* allGroups()).flatMap(({ gid, name }) =>
    gid === undefined ? [] : [{ conversation: gid, name: `#${name}` }],
  )
  return [...direct, ...groups]
}

/**
 * Makes a repaired profile safe to run: the log's rows agree with what is left of it, and what is
 * missing of contacts is asked for again; every session ends, so that no key is used twice, and what
 * waits is encrypted again in new ones. Items whose entry is gone go with it; how many.
 */
export function* startAnew(turn: Turn): Step<number> {
  let dropped = 0
  for (const { account } of yield* allContacts()) {
    const conversation = directConversation(turn.crypto, turn.self.account, account)
    const { lacking, lacksOwn, ownLost } = yield* rebuildLog(turn, conversation)
    if (ownLost) yield* noteBehind(turn, account)
    for (const device of lacking) yield* wantsSync(turn, device)
    for (const { device } of yield* knownDevices(account)) {
      if (lacksOwn) yield* wantsSync(turn, device)
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
  for (const { gid } of yield* allGroups()) {
    if (gid === undefined) continue
    yield* rebuildLog(turn, gid)
    yield* wantsCompare(turn, gid)
  }
  return dropped
}
