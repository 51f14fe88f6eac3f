// A client's side of one stream to a relay (SPEC.md §12): its operations by name, and custody
// checked before anything counts as deposited. Connecting again is the caller's.
import { type Bytes8, type Bytes16, type Bytes32, EMPTY } from '../../crypto/index.ts'
import {
  type CardGetReply,
  type Cursor,
  type Descriptor,
  ITEMS_MAX,
  type MailboxType,
  type OpKind,
  type OpReply,
  type OpRequest,
  type OpenGrant,
  type PrekeyCounts,
  type PrekeyItem,
  type PrekeyTakeReply,
  type RelayFailure,
  type RelayPush,
  type StreamBinding,
  failed,
  isFailure,
  mailboxIdOf,
  signAuth,
  signOpen,
} from '../../protocol/index.ts'
import type { Timer } from '../clock.ts'
import { type ConnectionParts, relayHour, relayNowMs } from './connection-parts.ts'
import { Depositor } from './depositor.ts'
import { FollowedMailboxes } from './followed-mailboxes.ts'
import { BEAT_MS, PREKEYS_AT_ONCE, STREAM_LIFE_MS } from './limits.ts'
import type { OpMaker } from './operation-queue.ts'
import { work } from './proof-worker.ts'
import { refusal } from './refusal.ts'
import type {
  ConnectionEvents,
  Credit,
  Deposit,
  DepositResult,
  OpenMailbox,
  OpenedMailbox,
  Subscription,
  SubscriptionHandlers,
  TakeRequest,
} from './relay-types.ts'

export class RelayConnection {
  readonly serviceKey: Bytes32
  readonly descriptor: Descriptor
  /** The relay's clock less ours, in ms, as of HELLO. */
  readonly timeOffsetMs: number
  readonly #parts: ConnectionParts
  readonly #depositor: Depositor
  readonly #followed: FollowedMailboxes
  #events: ConnectionEvents = {}
  #beat: Timer | undefined

  constructor(parts: ConnectionParts) {
    this.#parts = parts
    this.#depositor = new Depositor(parts)
    this.#followed = new FollowedMailboxes(parts.queue)
    this.serviceKey = parts.known.serviceKey
    this.descriptor = parts.known.descriptor
    this.timeOffsetMs = parts.hello.timeMs - parts.clock.nowMs()
    parts.pushes.handle = (push) => this.#pushed(push)
    this.#watch(parts.clock.monotonicMs() + STREAM_LIFE_MS)
    parts.stream.onClose(() => this.#beat?.cancel())
  }

  get open(): boolean {
    return this.#parts.stream.open
  }

  /** Bits of work that a new mailbox costs here; 0: none. */
  get openBits(): number {
    return this.#parts.hello.openBits
  }

  /** The relay's clock now: what it told and what passed since, Unix ms. */
  relayNowMs(): number {
    return relayNowMs(this.#parts)
  }

  /** What is followed may be silent for days: that it lives is asked. It ends in time. */
  #watch(endMs: number): void {
    const { clock } = this.#parts
    this.#beat = clock.after(BEAT_MS, () => {
      if (clock.monotonicMs() >= endMs) return void this.close()
      // An answer that does not come ends the stream.
      if (this.#followed.size > 0) this.ping(EMPTY).catch(() => undefined)
      this.#watch(endMs)
    })
  }

  setEvents(events: ConnectionEvents): void {
    this.#events = events
  }

  /** Called once, when the stream is over. */
  onClose(handler: (error: Error | undefined) => void): void {
    this.#parts.stream.onClose(handler)
  }

  close(): Promise<void> {
    return this.#parts.stream.close()
  }

  /** Drops the stream now. */
  abort(error: Error): void {
    this.#parts.stream.abort(error)
  }

  async #call<K extends OpKind>(
    kind: K,
    request: OpRequest<K> | OpMaker<K>,
    bytes = 0,
  ): Promise<OpReply<K> | RelayFailure> {
    return (await this.#parts.queue.call(kind, request, bytes)).reply
  }

  /** The reply; rejects with NodeError RELAY_QUOTA or RELAY_UNREACHABLE, cause the RelayFailure. */
  async #must<K extends OpKind>(kind: K, request: OpRequest<K>, bytes = 0): Promise<OpReply<K>> {
    const reply = await this.#call(kind, request, bytes)
    if (isFailure(reply)) throw refusal(kind, reply)
    return reply
  }

  // --- Owner ---

  /**
   * Opens a mailbox, or proves and renews one that is there. A good OPEN is also an AUTH, so this
   * is all an owner needs on a new stream. Does the work where the relay asks for it.
   */
  async openMailbox(
    ownerSeed: Bytes32,
    mailbox: OpenMailbox,
    signal?: AbortSignal,
  ): Promise<OpenedMailbox | RelayFailure> {
    const { provider, hello, clock } = this.#parts
    const ownerKey = provider.ed25519PublicKey(ownerSeed)
    const { type, secret, gen, awayDays } = mailbox
    const bind = type === 2 && secret !== undefined ? provider.sha256(secret) : undefined
    const mailboxId = mailboxIdOf(provider, type, ownerKey, bind)
    const binding = this.#binding()
    const opening = { type, mailboxId, secret, gen }
    const signature = signOpen(provider, ownerSeed, binding, opening)
    const ttlS = mailbox.ttlS ?? 0
    const ask = (grant: OpenGrant): Promise<OpReply<'open'> | RelayFailure> =>
      this.#call('open', { type, ownerKey, signature, secret, gen, grant, ttlS, awayDays }, 64)
    const { ticket } = mailbox
    const first = await ask(ticket === undefined ? { kind: 'none' } : { kind: 'ticket', ticket })
    if (!isFailure(first) || first.status !== 'pow') return first
    const hour = relayHour(this.#parts)
    const bits = typeof first.detail === 'number' ? first.detail : hello.openBits
    const puzzle = { serviceKey: this.serviceKey, mailboxId, subject: ownerKey, hour }
    const nonce = await work(
      provider,
      clock,
      puzzle,
      signal === undefined ? { bits } : { bits, signal },
    )
    return ask({ kind: 'work', hour, nonce })
  }

  #binding(): StreamBinding {
    const { stream, hello, clientKey } = this.#parts
    return {
      nonce: hello.nonce,
      serviceKey: this.serviceKey,
      relayTransportKey: stream.remoteKey,
      clientTransportKey: clientKey,
    }
  }

  /** Proves a mailbox and renews its lease, and makes none: `unknown` where it is not there. */
  async proveMailbox(
    ownerSeed: Bytes32,
    mailbox: { readonly type: MailboxType; readonly bind: Bytes32 | undefined },
  ): Promise<OpenedMailbox | RelayFailure> {
    const { provider } = this.#parts
    const { type, bind } = mailbox
    const ownerKey = provider.ed25519PublicKey(ownerSeed)
    const mailboxId = mailboxIdOf(provider, type, ownerKey, bind)
    const signature = signAuth(provider, ownerSeed, this.#binding(), { type, mailboxId })
    const reply = await this.#call('auth', { proofs: [{ type, ownerKey, bind, signature }] }, 128)
    if (isFailure(reply)) return reply
    return reply.results[0] ?? failed('refused')
  }

  /** Tickets that open mailboxes of groups at the cost of this device mailbox. */
  async tickets(mailboxId: Bytes16, count: number): Promise<readonly Uint8Array[]> {
    return (await this.#must('ticket', { mailboxId, count })).tickets
  }

  /** Ends a mailbox with all that is in it. */
  async closeMailbox(mailboxId: Bytes16): Promise<void> {
    await this.#must('close', { mailboxId })
  }

  /** Publishes a card; undefined: a higher version is there already. */
  async putCard(
    mailboxId: Bytes16,
    version: number,
    item: Uint8Array,
  ): Promise<number | undefined> {
    const reply = await this.#call('cardPut', { mailboxId, version, item }, item.length)
    if (!isFailure(reply)) return reply.version
    if (reply.status === 'conflict') return undefined
    throw refusal('CARD.PUT', reply)
  }

  /**
   * Adds one-time prekeys, or puts them in the place of all that are there. Many of them go in
   * several operations, in order; what is left of each class after the last.
   */
  async putPrekeys(
    mailboxId: Bytes16,
    replace: boolean,
    items: readonly PrekeyItem[],
  ): Promise<PrekeyCounts> {
    const calls: Promise<PrekeyCounts>[] = []
    for (let at = 0; at < items.length; at += PREKEYS_AT_ONCE) {
      const part = items.slice(at, at + PREKEYS_AT_ONCE)
      const bytes = part.reduce((sum, { item }) => sum + item.length + 8, 0)
      const request = { mailboxId, replace: replace && at === 0, items: part }
      calls.push(this.#must('prekeyPut', request, bytes))
    }
    return (await Promise.all(calls)).at(-1) ?? this.prekeyCount(mailboxId)
  }

  prekeyCount(mailboxId: Bytes16): Promise<PrekeyCounts> {
    return this.#must('prekeyCount', { mailboxId })
  }

  /** Registers an invite; how many uses are left. */
  async putInvite(
    mailboxId: Bytes16,
    invite: {
      readonly capId: Bytes8
      readonly capKey: Bytes32
      readonly expiresS: number
      readonly uses: number
    },
  ): Promise<number> {
    return (await this.#must('invitePut', { mailboxId, ...invite })).left
  }

  async deleteInvite(mailboxId: Bytes16, capId: Bytes8): Promise<void> {
    await this.#must('inviteDelete', { mailboxId, capId })
  }

  async revoke(mailboxId: Bytes16, capIds: readonly Bytes8[]): Promise<void> {
    await this.#must('revoke', { mailboxId, capIds })
  }

  /** Has what lies in a mailbox pushed, from its front, as far as credit goes. */
  async subscribe(
    mailboxId: Bytes16,
    handlers: SubscriptionHandlers,
    credit: Credit,
  ): Promise<Subscription> {
    const reply = await this.follow(mailboxId, undefined, handlers, credit)
    if (isFailure(reply)) throw refusal('SUB', reply)
    return reply
  }

  /** Has a mailbox pushed from behind a cursor; `incarnation` where it is not of what is there. */
  follow(
    mailboxId: Bytes16,
    after: Cursor | undefined,
    handlers: SubscriptionHandlers,
    credit: Credit,
  ): Promise<Subscription | RelayFailure> {
    return this.#followed.follow(mailboxId, after, handlers, credit)
  }

  /** Says that these are durably ours: the relay deletes them. How many were still there. */
  async ack(mailboxId: Bytes16, envIds: readonly Bytes32[]): Promise<number> {
    const calls: Promise<OpReply<'ack'>>[] = []
    for (let at = 0; at < envIds.length; at += ITEMS_MAX) {
      const part = envIds.slice(at, at + ITEMS_MAX)
      calls.push(this.#must('ack', { mailboxId, envIds: part }, part.length * 34))
    }
    return (await Promise.all(calls)).reduce((sum, { count }) => sum + count, 0)
  }

  /** Reads a page of a mailbox without a subscription. `busy` without a wait: ask again alone. */
  fetch(request: OpRequest<'fetch'>): Promise<OpReply<'fetch'> | RelayFailure> {
    return this.#call('fetch', request, request.envIds.length * 34)
  }

  /** Round trip, with up to 1,024 bytes of padding. */
  async ping(pad: Uint8Array): Promise<void> {
    await this.#must('ping', { pad }, pad.length)
  }

  // --- Courier ---

  /** Deposits an envelope. Only `stored` and `dup` are evidence that the relay has it. */
  deposit(deposit: Deposit, signal?: AbortSignal): Promise<DepositResult> {
    return this.#depositor.deposit(deposit, signal)
  }

  /** Takes a card and one-time prekeys of somebody. `classes`: bit 0 card, 1 OPK, 2 OKEM. */
  take(request: TakeRequest): Promise<PrekeyTakeReply | RelayFailure> {
    return this.#depositor.take(request)
  }

  /** The card of whoever owns a mailbox; `auth` where there is none to be had. */
  cardGet(mailboxId: Bytes16): Promise<CardGetReply | RelayFailure> {
    return this.#call('cardGet', { mailboxId })
  }

  // --- Pushes ---

  #pushed(push: RelayPush): void {
    if (push.kind === 'goaway') {
      this.#events.onGoAway?.(push.graceMs)
      return
    }
    if (push.kind === 'room') this.#events.onRoom?.(push.mailboxId)
    this.#followed.pushed(push)
  }
}
