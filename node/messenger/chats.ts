// Sending, reading and explaining messages, for the API.
import { fromHex } from '../../crypto/index.ts'
import {
  type Contact as ContactRecord,
  type EntryRef,
  type EntryView,
  type Step,
  type Turn,
  allContacts,
  conversationFacts,
  evidence,
  get,
  isAccepted,
  knownDevices,
  markReceiptDue,
  markSeen,
  peers,
  readArrivals,
  readEntry,
  readOrdered,
  readPosition,
  sendText,
  shownState,
} from '../../protocol/index.ts'
import type { Message, MessageState, Node, ReadOptions, SendResult, Why } from '../api.ts'
import type { Core } from '../core.ts'
import { NodeError } from '../errors.ts'
import { conversationWith, messageView } from './views.ts'
import { resolveWho } from './who.ts'
import { explain } from './why.ts'
import { asNodeError } from './translate.ts'

const DEFAULT_LIMIT = 20
const UNREAD_MAX = 10_000
const RANK: Readonly<Record<MessageState, number>> = {
  queued: 0,
  failed: 0,
  expired: 0,
  relayed: 1,
  delivered: 2,
  read: 3,
}

/** An entry id from its 64 hex characters. Throws UNKNOWN_MESSAGE. */
export function parseId(id: string): Uint8Array {
  if (!/^[0-9a-f]{64}$/i.test(id)) {
    throw new NodeError('UNKNOWN_MESSAGE', `"${id.slice(0, 80)}" is not a message id`, {
      hint: 'Ids have 64 hexadecimal characters; see them with: sotto read WHO --json',
    })
  }
  return fromHex(id.toLowerCase())
}

function* chatMessages(
  turn: Turn,
  contact: ContactRecord,
  options: ReadOptions,
): Step<readonly Message[]> {
  const conversation = conversationWith(turn, contact.account)
  const limit = options.limit ?? (options.unread === true ? UNREAD_MAX : DEFAULT_LIMIT)
  let entries: readonly EntryView[]
  if (options.unread === true) {
    const { arrival } = yield* readPosition(turn, conversation)
    const arrived = yield* readArrivals(turn, { conversation, afterArrival: arrival, limit })
    entries = arrived
  } else {
    const before = options.before === undefined ? undefined : yield* refOf(turn, options.before)
    entries = yield* readOrdered(turn, {
      conversation,
      limit,
      ...(before === undefined ? {} : { before }),
    })
  }
  const messages: Message[] = []
  for (const entry of entries) {
    const message = yield* messageView(turn, contact, entry)
    if (options.unread !== true || !message.mine) messages.push(message)
  }
  return messages
}

function* refOf(turn: Turn, id: string): Step<EntryRef> {
  const entry = yield* readEntry(turn, parseId(id))
  if (entry === undefined) throw new NodeError('UNKNOWN_MESSAGE', 'there is no such message here')
  return { id: entry.id, lamport: entry.lamport }
}

function* allMessages(turn: Turn, options: ReadOptions): Step<readonly Message[]> {
  const messages: Message[] = []
  for (const contact of yield* allContacts()) {
    if (contact.state === 'request' || contact.state === 'blocked') continue
    messages.push(...(yield* chatMessages(turn, contact, options)))
  }
  const sorted = messages.sort((a, b) => a.arrivedAt - b.arrivedAt || a.lamport - b.lamport)
  return options.unread === true ? sorted : sorted.slice(-(options.limit ?? DEFAULT_LIMIT))
}

/** The contact whose direct conversation an entry is of. */
export function* contactOfEntry(turn: Turn, entry: EntryView): Step<ContactRecord> {
  for (const contact of yield* allContacts()) {
    const conversation = conversationWith(turn, contact.account)
    if (conversation.every((byte, i) => byte === entry.conversation[i])) return contact
  }
  throw new NodeError('UNKNOWN_MESSAGE', 'there is no such message here')
}

function* markChatRead(turn: Turn, who: string, arrival: number | undefined): Step<void> {
  const contact = yield* resolveWho(turn.crypto, who)
  const conversation = conversationWith(turn, contact.account)
  const facts = yield* conversationFacts(turn, conversation)
  if (facts === undefined) return
  const { arrival: before } = yield* readPosition(turn, conversation)
  const upTo = Math.min(arrival ?? facts.entries, facts.entries)
  if (upTo <= before) return
  yield* markSeen(turn, conversation, upTo)
  if (!isAccepted(contact)) return
  for (const { device } of yield* knownDevices(contact.account)) {
    if ((yield* get(peers, device)) !== undefined) {
      yield* markReceiptDue(turn, device, conversation)
    }
  }
}

export interface ChatsOptions {
  readonly core: Core
  /** Resolves when a state rises, or the signal aborts. */
  readonly stateRose: (signal: AbortSignal) => Promise<void>
  readonly troubles: (device: Uint8Array) => readonly string[]
}

export function makeChats(options: ChatsOptions): Node['chats'] {
  const { core, troubles } = options
  const { ledger } = core

  async function stateNow(id: Uint8Array): Promise<MessageState> {
    const row = await ledger.read(() => get(evidence, id))
    if (row === undefined) throw new NodeError('UNKNOWN_MESSAGE', 'no message of yours has this id')
    return shownState(row, core.guarded.nowMs()).state
  }

  return {
    async send(who, text, sendOptions = {}): Promise<SendResult> {
      const replyTo = sendOptions.replyTo === undefined ? undefined : parseId(sendOptions.replyTo)
      const sent = await asNodeError(
        ledger.run(function* (turn) {
          const contact = yield* resolveWho(turn.crypto, who)
          if (contact.state === 'blocked') {
            throw new NodeError('BLOCKED', `${contact.name} is blocked`, {
              hint: `Nothing was sent. Unblock first: sotto contact unblock ${contact.name}`,
            })
          }
          if (!isAccepted(contact)) {
            throw new NodeError('UNKNOWN_CONTACT', `${contact.name} waits in requests`, {
              hint: `Accept first: sotto requests accept ${contact.name}`,
            })
          }
          return yield* sendText(turn, contact.account, text, replyTo)
        }),
      )
      const id = Array.from(sent.entry, (byte) => byte.toString(16).padStart(2, '0')).join('')
      return { id, state: await stateNow(sent.entry) }
    },

    async waitFor(id, state, waitOptions = {}): Promise<SendResult> {
      const entry = parseId(id)
      const timeoutMs = waitOptions.timeoutMs ?? 30_000
      const signal = core.clock.timeout(timeoutMs, waitOptions.signal)
      for (;;) {
        const now = await stateNow(entry)
        if (RANK[now] >= RANK[state]) return { id, state: now }
        if (signal.aborted) {
          throw new NodeError('TIMEOUT', `the message is ${now}, not ${state} yet`, {
            hint: 'It stays queued and goes out as soon as it can.',
            retryable: true,
          })
        }
        await options.stateRose(signal)
      }
    },

    messages: (who, readOptions = {}) =>
      ledger.read(function* (turn) {
        if (who === undefined) return yield* allMessages(turn, readOptions)
        return yield* chatMessages(turn, yield* resolveWho(turn.crypto, who), readOptions)
      }),

    message: (id) =>
      ledger.read(function* (turn) {
        const entry = yield* readEntry(turn, parseId(id))
        if (entry === undefined) {
          throw new NodeError('UNKNOWN_MESSAGE', 'there is no such message here')
        }
        return yield* messageView(turn, yield* contactOfEntry(turn, entry), entry)
      }),

    markRead: (who, arrival) => ledger.run((turn) => markChatRead(turn, who, arrival)),

    why: (id): Promise<Why> => ledger.read((turn) => explain(turn, parseId(id), troubles)),
  }
}
