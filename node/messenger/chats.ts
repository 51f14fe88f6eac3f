// Sending, reading and explaining messages, for the API.
import { type Bytes32, encodeAddress, encodeText, fromHex, toHex } from '../../crypto/index.ts'
import {
  type Contact as ContactRecord,
  type EntryRef,
  type EntryView,
  type Step,
  type Turn,
  type GroupRecord,
  allContacts,
  allGroups,
  conversationFacts,
  evidence,
  get,
  groupOf,
  isAccepted,
  keepSentUnder,
  knownDevices,
  markReceiptDue,
  markSeen,
  peers,
  readArrivals,
  readEntry,
  readOrdered,
  readPosition,
  sendGroupText,
  sendText,
  sentUnder,
  shownState,
} from '../../protocol/index.ts'
import type {
  CallOptions,
  Message,
  MessageState,
  Node,
  ReadOptions,
  SendResult,
  Why,
} from '../api.ts'
import { asWord } from '../as-word.ts'
import type { Core } from '../core.ts'
import { NodeError } from '../errors.ts'
import { joinSignals } from '../signal.ts'
import { inOrderOfArrival } from './arrival-order.ts'
import { makeCall } from './calls.ts'
import { groupMessageView } from './group-views.ts'
import { contactWith, conversationWith, messageView } from './views.ts'
import { isGroupChat, resolveWhich } from './which.ts'
import { resolveWho } from './who.ts'
import { explain } from './why.ts'
import type { Troubles } from './why-waits.ts'

const DEFAULT_LIMIT = 20
/** Messages one call answers with at most. */
const READ_MAX = 10_000
const UNREAD_MAX = READ_MAX
/** Arrivals looked at in one load. */
const UNREAD_PAGE = 64
const ONCE_MAX_BYTES = 64
const WAIT_MS = 30_000
/** The longest that timers hold. */
const WAIT_MAX_MS = 2 ** 31 - 1
const RANK: Readonly<Record<MessageState, number>> = {
  queued: 0,
  failed: 0,
  expired: 0,
  relayed: 1,
  delivered: 2,
  read: 3,
}

function unknownMessage(text = 'there is no such message here'): NodeError {
  return new NodeError('UNKNOWN_MESSAGE', text, {
    hint: 'Ids have 64 hexadecimal characters; see them with: sotto read WHO --json',
  })
}

/** An entry id from its 64 hex characters. Throws UNKNOWN_MESSAGE. */
export function parseId(id: string): Uint8Array {
  if (!/^[0-9a-f]{64}$/i.test(id)) {
    throw unknownMessage(`"${id.slice(0, 80)}" is not a message id`)
  }
  return fromHex(id.toLowerCase())
}

/** A chat as messages are read from it. */
interface Readable {
  readonly conversation: Uint8Array
  readonly view: (entry: EntryView) => Step<Message>
}

function withContact(turn: Turn, contact: ContactRecord): Readable {
  return {
    conversation: conversationWith(turn, contact.account),
    view: (entry) => messageView(turn, contact, entry),
  }
}

/** Undefined for a group whose id was not told yet: nothing was said in it. */
function inGroup(turn: Turn, group: GroupRecord): Readable | undefined {
  const { gid } = group
  if (gid === undefined) return undefined
  return { conversation: gid, view: (entry) => groupMessageView(turn, group, entry) }
}

function* readable(turn: Turn, chat: string): Step<Readable | undefined> {
  if (isGroupChat(chat)) return inGroup(turn, yield* resolveWhich(turn, chat))
  return withContact(turn, yield* resolveWho(turn.crypto, chat))
}

function* chatMessages(
  turn: Turn,
  chat: Readable | undefined,
  options: ReadOptions,
): Step<readonly Message[]> {
  if (chat === undefined) return []
  const { conversation } = chat
  const limit = options.limit ?? (options.unread === true ? UNREAD_MAX : DEFAULT_LIMIT)
  if (options.unread === true) return yield* unreadMessages(turn, chat, limit)
  const before = options.before === undefined ? undefined : yield* refOf(turn, options.before)
  const entries = yield* readOrdered(turn, {
    conversation,
    limit,
    ...(before === undefined ? {} : { before }),
  })
  const messages: Message[] = []
  for (const entry of entries) messages.push(yield* chat.view(entry))
  return messages
}

/** The first `limit` messages of others that were not seen, whatever of one's own lies between. */
function* unreadMessages(turn: Turn, chat: Readable, limit: number): Step<readonly Message[]> {
  const { conversation } = chat
  const messages: Message[] = []
  const facts = yield* conversationFacts(turn, conversation)
  const { entries: last = 0, unread = 0, position = 0 } = facts ?? {}
  const wanted = Math.min(limit, unread)
  for (let afterArrival = position; messages.length < wanted && afterArrival < last;) {
    const page = { conversation, afterArrival, limit: UNREAD_PAGE }
    for (const entry of yield* readArrivals(turn, page)) {
      const message = yield* chat.view(entry)
      if (!message.mine && messages.length < wanted) messages.push(message)
    }
    // Arrivals are counted without a hole.
    afterArrival += UNREAD_PAGE
  }
  return messages
}

function* refOf(turn: Turn, id: string): Step<EntryRef> {
  const entry = yield* readEntry(turn, parseId(id))
  if (entry === undefined) throw unknownMessage()
  return { id: entry.id, lamport: entry.lamport }
}

function* allMessages(turn: Turn, options: ReadOptions): Step<readonly Message[]> {
  const chats: (readonly Message[])[] = []
  for (const contact of yield* allContacts()) {
    if (contact.state === 'request' || contact.state === 'blocked') continue
    chats.push(yield* chatMessages(turn, withContact(turn, contact), options))
  }
  for (const group of yield* allGroups()) {
    chats.push(yield* chatMessages(turn, inGroup(turn, group), options))
  }
  const sorted = inOrderOfArrival(chats)
  return options.unread === true ? sorted : sorted.slice(-(options.limit ?? DEFAULT_LIMIT))
}

/** A message of whatever chat it is in. Throws UNKNOWN_MESSAGE. */
function* anyMessage(turn: Turn, entry: EntryView): Step<Message> {
  const group = yield* groupOf(entry.conversation)
  if (group !== undefined) return yield* groupMessageView(turn, group, entry)
  return yield* messageView(turn, yield* contactOfEntry(turn, entry), entry)
}

/** The contact whose direct conversation an entry is of. */
export function* contactOfEntry(turn: Turn, entry: EntryView): Step<ContactRecord> {
  const contact = yield* contactWith(turn, entry.conversation)
  if (contact === undefined) throw unknownMessage()
  return contact
}

/** Marks a conversation as seen; whether that was news. */
function* markUpTo(
  turn: Turn,
  conversation: Uint8Array,
  arrival: number | undefined,
): Step<boolean> {
  const facts = yield* conversationFacts(turn, conversation)
  if (facts === undefined) return false
  const { arrival: before } = yield* readPosition(turn, conversation)
  const upTo = Math.min(arrival ?? facts.entries, facts.entries)
  if (upTo <= before) return false
  yield* markSeen(turn, conversation, upTo)
  return true
}

function* markChatRead(turn: Turn, chat: string, arrival: number | undefined): Step<void> {
  if (isGroupChat(chat)) {
    const { gid } = yield* resolveWhich(turn, chat)
    const isNews = gid !== undefined && (yield* markUpTo(turn, gid, arrival))
    if (isNews) turn.effect({ kind: 'group', gid })
    return
  }
  const contact = yield* resolveWho(turn.crypto, chat)
  const conversation = conversationWith(turn, contact.account)
  if (!(yield* markUpTo(turn, conversation, arrival)) || !isAccepted(contact)) return
  for (const { device } of yield* knownDevices(contact.account)) {
    if ((yield* get(peers, device)) !== undefined) {
      yield* markReceiptDue(turn, device, conversation)
    }
  }
}

/** A contact in a command that a hint shows. */
function wordFor(turn: Turn, { name, account }: ContactRecord): string {
  return asWord(name, encodeAddress(turn.crypto, account))
}

/** The contact a text goes to. Throws BLOCKED, or UNKNOWN_CONTACT for one that was not accepted. */
function* addressee(turn: Turn, who: string): Step<ContactRecord> {
  const contact = yield* resolveWho(turn.crypto, who)
  if (contact.state === 'blocked') {
    throw new NodeError('BLOCKED', `${contact.name} is blocked`, {
      hint: `Nothing was sent. Unblock first: sotto contact unblock ${wordFor(turn, contact)}`,
    })
  }
  if (!isAccepted(contact)) {
    throw new NodeError('UNKNOWN_CONTACT', `${contact.name} waits in requests`, {
      hint: `Accept first: sotto requests accept ${wordFor(turn, contact)}`,
    })
  }
  return contact
}

function checkOnce(once: string): void {
  const size = encodeText(once).length
  if (size > 0 && size <= ONCE_MAX_BYTES) return
  throw new NodeError('INVALID', `once has ${size} bytes: it takes 1 to ${ONCE_MAX_BYTES}`)
}

/** Sends a text to a contact or a group; the entry it is. */
function* sendTo(turn: Turn, who: string, text: string, replyTo?: string): Step<Bytes32> {
  const answered = replyTo === undefined ? undefined : parseId(replyTo)
  if (isGroupChat(who)) {
    const group = yield* resolveWhich(turn, who)
    return (yield* sendGroupText(turn, group, text, answered)).entry
  }
  return (yield* sendText(turn, (yield* addressee(turn, who)).account, text, answered)).entry
}

function checkLimit(limit: number | undefined): void {
  if (limit === undefined || (Number.isInteger(limit) && limit >= 0 && limit <= READ_MAX)) return
  throw new NodeError('INVALID', `limit is a whole number between 0 and ${READ_MAX}`)
}

export interface ChatsOptions {
  readonly core: Core
  /** Resolves when the message's state rises, or the signal aborts. */
  readonly stateRose: (entry: Uint8Array, signal: AbortSignal) => Promise<void>
  readonly troubles: Troubles
  /** What keeps a group's messages from its relays. */
  readonly groupTroubles: (gid: Uint8Array) => readonly string[]
}

export function makeChats(options: ChatsOptions): Node['chats'] {
  const { core, troubles } = options
  const { ledger } = core

  const call = makeCall(core)

  async function stateNow(id: Uint8Array): Promise<MessageState> {
    const row = await ledger.read(() => get(evidence, id))
    if (row === undefined) throw unknownMessage('no message of yours has this id')
    return shownState(row, core.guarded.nowMs()).state
  }

  async function waitFor(
    id: string,
    state: MessageState,
    waitOptions: { readonly timeoutMs?: number } & CallOptions,
  ): Promise<SendResult> {
    const entry = parseId(id)
    const timeoutMs = waitOptions.timeoutMs ?? WAIT_MS
    if (!(timeoutMs >= 0 && timeoutMs <= WAIT_MAX_MS)) {
      throw new NodeError('INVALID', `timeoutMs is between 0 and ${WAIT_MAX_MS}`)
    }
    const { signal, release } = joinSignals(core.stopping, waitOptions.signal)
    const limit = core.clock.timeout(timeoutMs, signal)
    try {
      for (;;) {
        const seen = ledger.cursor
        const now = await stateNow(entry)
        if (RANK[now] >= RANK[state]) return { id, state: now }
        if (signal.aborted) throw new NodeError('ABORTED', `stopped waiting; it is ${now}`)
        if (limit.aborted) {
          throw new NodeError('TIMEOUT', `the message is ${now}, not ${state} yet`, {
            hint: 'It stays queued and goes out as soon as it can.',
            retryable: true,
          })
        }
        // Only where nothing landed since the state was read: no wake-up is slept through.
        if (ledger.cursor === seen) await options.stateRose(entry, limit)
      }
    } finally {
      release()
    }
  }

  return {
    send: (who, text, sendOptions = {}) =>
      call(sendOptions, () =>
        ledger.run(function* (turn): Step<SendResult> {
          const { once } = sendOptions
          if (once !== undefined) checkOnce(once)
          const before = once === undefined ? undefined : yield* sentUnder(once)
          const entry = before ?? (yield* sendTo(turn, who, text, sendOptions.replyTo))
          if (once !== undefined && before === undefined) keepSentUnder(turn, once, entry)
          const row = yield* get(evidence, entry)
          const state = row === undefined ? 'queued' : shownState(row, turn.safeNowMs).state
          return { id: toHex(entry), state }
        }),
      ),

    waitFor: (id, state, waitOptions = {}) =>
      call(waitOptions, () => waitFor(id, state, waitOptions)),

    messages: (who, readOptions = {}) =>
      call(readOptions, async () => {
        checkLimit(readOptions.limit)
        return ledger.read(function* (turn) {
          if (who === undefined) return yield* allMessages(turn, readOptions)
          return yield* chatMessages(turn, yield* readable(turn, who), readOptions)
        })
      }),

    message: (id, callOptions) =>
      call(callOptions, () =>
        ledger.read(function* (turn) {
          const entry = yield* readEntry(turn, parseId(id))
          if (entry === undefined) {
            throw unknownMessage()
          }
          return yield* anyMessage(turn, entry)
        }),
      ),

    markRead: (who, arrival, callOptions) =>
      call(callOptions, () => ledger.run((turn) => markChatRead(turn, who, arrival))),

    why: (id, callOptions): Promise<Why> =>
      call(callOptions, () =>
        ledger.read((turn) => explain(turn, parseId(id), troubles, options.groupTroubles)),
      ),
  }
}
