// Records as the API shows them.
import { type CryptoProvider, encodeAddress, equalBytes, toHex } from '../../crypto/index.ts'
import {
  type Contact as ContactRecord,
  type EntryView,
  type Step,
  type Turn,
  conversationFacts,
  directConversation,
  evidence,
  firstContactOf,
  gapsOf,
  get,
  knownDevices,
  unaddressedCount,
  unsentEntries,
  profile,
  readPosition,
  shownState,
} from '../../protocol/index.ts'
import type { Contact, Message, MessageState, Person } from '../api.ts'

/** The person behind a contact record. */
export function personOf(provider: CryptoProvider, contact: ContactRecord): Person {
  return { name: contact.name, address: encodeAddress(provider, contact.account) }
}

export function* selfPerson(turn: Turn): Step<Person> {
  const { name } = yield* profile()
  return { name, address: encodeAddress(turn.crypto, turn.self.account) }
}

/** The direct conversation with a contact. */
export function conversationWith(turn: Turn, account: Uint8Array): Uint8Array {
  return directConversation(turn.crypto, turn.self.account, account)
}

export function contentOf(entry: EntryView): Pick<Message, 'kind' | 'text' | 'replyTo'> {
  const { content } = entry
  switch (content.kind) {
    case 'text': {
      const { text, replyTo } = content
      return replyTo === undefined
        ? { kind: 'text', text }
        : { kind: 'text', text, replyTo: toHex(replyTo) }
    }
    case 'unknown':
      return { kind: 'unknown', text: 'a message this version cannot show' }
    case 'malformed':
      return { kind: 'unknown', text: 'a message that is damaged' }
    case 'absent':
      return { kind: 'absent', text: `the text is gone: ${content.reason}` }
  }
}

/** One entry of a direct conversation. */
export function* messageView(turn: Turn, contact: ContactRecord, entry: EntryView): Step<Message> {
  const me = yield* selfPerson(turn)
  const them = personOf(turn.crypto, contact)
  const own = yield* knownDevices(turn.self.account)
  const mine =
    equalBytes(entry.author, turn.self.device) ||
    own.some((one) => equalBytes(one.device, entry.author))
  const { state, relays } = mine
    ? yield* stateOf(turn, entry)
    : { state: yield* seenState(turn, entry), relays: 0 }
  return {
    id: toHex(entry.id),
    chat: contact.name,
    ...contentOf(entry),
    from: mine ? me : them,
    to: mine ? them : me,
    mine,
    lamport: entry.lamport,
    sentAt: entry.sentAtMs,
    arrivedAt: entry.arrivedAtMs,
    late: entry.late,
    open: entry.open,
    state,
    relays,
    arrival: entry.arrival,
  }
}

function* stateOf(
  turn: Turn,
  entry: EntryView,
): Step<{ readonly state: MessageState; readonly relays: number }> {
  const row = yield* get(evidence, entry.id)
  return row === undefined ? { state: 'queued', relays: 0 } : shownState(row, turn.safeNowMs)
}

function* seenState(turn: Turn, entry: EntryView): Step<MessageState> {
  const { arrival } = yield* readPosition(turn, entry.conversation)
  return entry.arrival <= arrival ? 'read' : 'delivered'
}

export function* contactView(turn: Turn, contact: ContactRecord): Step<Contact> {
  const conversation = conversationWith(turn, contact.account)
  const facts = yield* conversationFacts(turn, conversation)
  const first = yield* firstContactOf(contact.number)
  let waiting = yield* unaddressedCount(conversation)
  for (const { device } of yield* knownDevices(contact.account)) {
    waiting += yield* unsentEntries(device)
  }
  let missing = 0
  for (const gap of yield* gapsOf(turn, conversation)) missing += gap.to - gap.from + 1
  const problem = first?.failed ?? ''
  return {
    ...personOf(turn.crypto, contact),
    state: contact.state,
    verified: contact.verified,
    theirName: contact.theirName,
    addedAt: contact.addedAtMs,
    unread: facts?.unread ?? 0,
    waiting,
    missing,
    ...(problem === '' ? {} : { problem }),
  }
}
