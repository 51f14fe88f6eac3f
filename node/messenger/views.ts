// Records as the API shows them.
import { type CryptoProvider, encodeAddress, equalBytes, toHex } from '../../crypto/index.ts'
import {
  type AbsenceReason,
  type Contact as ContactRecord,
  type EntryView,
  type Step,
  type Turn,
  allContacts,
  contactOf,
  conversationFacts,
  directConversation,
  evidence,
  firstContactOf,
  gapsOf,
  get,
  knownDevices,
  peers,
  relayDoubts,
  unaddressedCount,
  unsentEntries,
  profile,
  readPosition,
  shownState,
} from '../../protocol/index.ts'
import type { Contact, ContactRelay, Message, MessageState, Person, Warning } from '../api.ts'
import { type Notice, recentNotices } from '../ledger/notices.ts'

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

/** The contact whose direct conversation it is. */
export function* contactWith(
  turn: Turn,
  conversation: Uint8Array,
): Step<ContactRecord | undefined> {
  for (const contact of yield* allContacts()) {
    if (equalBytes(conversationWith(turn, contact.account), conversation)) return contact
  }
  return undefined
}

/** How many numbers lie in ranges, both ends included. */
export function countNumbers(
  ranges: readonly { readonly from: number; readonly to: number }[],
): number {
  return ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0)
}

/** What is shown in the place of a text. */
const ABSENT: Readonly<Record<AbsenceReason, string>> = {
  erased: 'the text was erased',
  withdrawn: 'its author withdrew the text',
  expired: 'the text expired',
  beyondCut: 'the text was written after its author was removed',
  notHeld: 'the text is not here',
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
      return { kind: 'absent', text: ABSENT[content.reason] }
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

/** A warning as events and lists tell it. */
export function* warningFields({
  code,
  text,
  account,
}: Notice['change']): Step<Pick<Warning, 'code' | 'text' | 'chat'>> {
  const contact = account === undefined ? undefined : yield* contactOf(account)
  return { code, text, ...(contact === undefined ? {} : { chat: contact.name }) }
}

export function* warningView({ atMs, change }: Notice): Step<Warning> {
  return { at: atMs, ...(yield* warningFields(change)) }
}

export function* contactView(turn: Turn, contact: ContactRecord): Step<Contact> {
  const conversation = conversationWith(turn, contact.account)
  const facts = yield* conversationFacts(turn, conversation)
  const first = yield* firstContactOf(contact.number)
  let waiting = yield* unaddressedCount(conversation)
  for (const { device } of yield* knownDevices(contact.account)) {
    waiting += yield* unsentEntries(device)
  }
  const relays: ContactRelay[] = []
  for (const { device } of yield* knownDevices(contact.account)) {
    for (const mailbox of (yield* get(peers, device))?.endpoints.mailboxes ?? []) {
      const service = toHex(mailbox.serviceKey).slice(0, 8)
      const doubts = yield* relayDoubts(mailbox.serviceKey)
      if (relays.some((one) => one.service === service)) continue
      relays.push({ service, address: mailbox.addresses[0] ?? '', doubts })
    }
  }
  const about = (yield* recentNotices(turn)).filter(
    ({ change }) => change.account !== undefined && equalBytes(change.account, contact.account),
  )
  const warnings: Warning[] = []
  for (const notice of about) warnings.push(yield* warningView(notice))
  const gaps = yield* gapsOf(turn, conversation)
  const problem = first?.failed ?? ''
  return {
    ...personOf(turn.crypto, contact),
    state: contact.state,
    verified: contact.verified,
    theirName: contact.theirName,
    addedAt: contact.addedAtMs,
    unread: facts?.unread ?? 0,
    waiting,
    missing: countNumbers(gaps),
    irretrievable: countNumbers(gaps.filter((gap) => gap.irretrievable)),
    ...(problem === '' ? {} : { problem }),
    ...(contact.state !== 'request' || contact.refusal === '' ? {} : { refusal: contact.refusal }),
    relays,
    warnings,
  }
}
