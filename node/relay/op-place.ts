// Where an operation stands (SPEC.md §12.2): its stream and what that proved, its flush, the room left
// in its reply, and what is to follow once it is durable.
import { type Bytes8, type Bytes16, type Bytes32, toHex } from '../../crypto/index.ts'
import {
  type MailboxTurn,
  type MailboxType,
  type OpReply,
  type RelayFailure,
  type Step,
  type StreamBinding,
  failed,
} from '../../protocol/index.ts'
import type { FrameStream } from '../transport.ts'
import type { FlushSlot } from './committer.ts'
import type { Figures } from './figures.ts'
import { MAILBOXES_PER_STREAM } from './limits.ts'
import type { RoomWaiters } from './room-waiters.ts'
import type { Subscriptions } from './subscriptions.ts'

/** What one stream knows of itself. */
export interface StreamState {
  readonly stream: FrameStream
  /** Names the connection to rate limits, in memory only. */
  readonly source: string
  readonly clientKey: Bytes32
  /** The nonce told in HELLO; undefined before it. */
  nonce: Bytes32 | undefined
  /** Mailboxes proven on it, by hex id. */
  readonly owned: Map<string, MailboxType>
}

/** What operations need of the relay. */
export interface RelayCore {
  readonly serviceKey: Bytes32
  readonly transportKey: Bytes32
  readonly figures: Figures
  readonly subscriptions: Subscriptions
  readonly room: RoomWaiters
  readonly isTicket: (ticket: Uint8Array) => boolean
  readonly hello: (nonce: Bytes32) => OpReply<'hello'>
  readonly descriptor: () => { readonly seq: number; readonly bytes: Uint8Array }
  /** Marks of a share became too many. */
  readonly trim: (mailboxId: Bytes16, share: Bytes8 | undefined) => void
}

/** Where an operation stands. */
export interface OpPlace {
  readonly core: RelayCore
  readonly turn: MailboxTurn
  readonly slot: FlushSlot
  readonly state: StreamState
  readonly requestId: number
  readonly opIndex: number
  readonly room: ReplyRoom
  /** To do once the flush is durable. */
  readonly after: (() => void)[]
}

/** Bytes left in the reply frame. */
export class ReplyRoom {
  #bytes: number

  constructor(bytes: number) {
    this.#bytes = bytes
  }

  get bytes(): number {
    return this.#bytes
  }

  take(bytes: number): void {
    this.#bytes -= bytes
  }
}

export function owns(place: OpPlace, mailboxId: Bytes16): MailboxType | undefined {
  return place.state.owned.get(toHex(mailboxId))
}

/** Runs `then` for the owner of a device mailbox, or for a member at a group's. */
export function* asReader<T>(
  place: OpPlace,
  mailboxId: Bytes16,
  then: (type: MailboxType) => Step<T | RelayFailure>,
): Step<T | RelayFailure> {
  const type = owns(place, mailboxId)
  if (type === undefined) return failed('unauthenticated', { scope: 'mailbox' })
  if (type === 3) return failed('refused', { scope: 'mailbox' })
  return yield* then(type)
}

/** Runs `then` for the owner of a device mailbox. */
export function* asDevice<T>(
  place: OpPlace,
  mailboxId: Bytes16,
  then: () => Step<T | RelayFailure>,
): Step<T | RelayFailure> {
  const type = owns(place, mailboxId)
  if (type === undefined) return failed('unauthenticated', { scope: 'mailbox' })
  if (type !== 1) return failed('refused', { scope: 'mailbox' })
  return yield* then()
}

export function remember(place: OpPlace, mailboxId: Bytes16, type: MailboxType): boolean {
  const { owned } = place.state
  const name = toHex(mailboxId)
  if (!owned.has(name) && owned.size >= MAILBOXES_PER_STREAM) return false
  owned.set(name, type)
  return true
}

export const TOO_MANY: RelayFailure = failed('quota', { scope: 'connection' })

export function bindingOf(place: OpPlace): StreamBinding | undefined {
  const { core, state } = place
  if (state.nonce === undefined) return undefined
  return {
    nonce: state.nonce,
    serviceKey: core.serviceKey,
    relayTransportKey: core.transportKey,
    clientTransportKey: state.clientKey,
  }
}

export const NO_HELLO: RelayFailure = failed('unauthenticated', { scope: 'connection' })
