// Pushing what lies in mailboxes to whoever subscribed (SPEC.md §14.5): in order of sequence, as
// far as credit goes. A few subscriptions read at once, one page each, in turn: memory and the
// event loop are shared fairly, however many wake up together.
import { type Bytes8, type Bytes16, toHex } from '../../crypto/index.ts'
import {
  ITEM_OVERHEAD_BYTES,
  type RelayItem,
  type RelayPush,
  type RingPage,
  encodePushFrame,
} from '../../protocol/index.ts'
import type { Clock, Timer } from '../clock.ts'
import type { FrameStream } from '../transport.ts'
import type { Figures } from './figures.ts'
import { CREDIT_MS, PUMPS_AT_ONCE, PUSH_FRAME_BYTES, PUSH_PAGE } from './limits.ts'

export const END_DISPLACED = 0
export const END_CLOSED = 1
export const END_NO_CREDIT = 3

export interface SubscriptionStart {
  readonly mailboxId: Bytes16
  /** A group's mailbox: any number of streams follow it, and its items are on a chain. */
  readonly isShared: boolean
  readonly incarnation: Bytes8
  readonly afterSeq: number
  readonly headSeq: number
  readonly messages: number
  readonly bytes: number
}

interface Subscription {
  readonly mailboxId: Bytes16
  readonly isShared: boolean
  readonly incarnation: Bytes8
  readonly stream: FrameStream
  sentSeq: number
  /** The highest sequence number known to be durable. */
  headSeq: number
  messages: number
  bytes: number
  /** DRAINED was sent and nothing came since. */
  drained: boolean
  /** In the queue of pumps, or being pumped. */
  queued: boolean
  /** Something happened while it was pumped. */
  again: boolean
  ended: boolean
  starved: Timer | undefined
}

export interface SubscriptionsOptions {
  readonly clock: Clock
  readonly figures: Figures
  readonly itemsAfter: (
    mailboxId: Bytes16,
    afterSeq: number,
    limit: number,
  ) => Promise<readonly RelayItem[]>
  readonly ringItemsAfter: (
    mailboxId: Bytes16,
    afterSeq: number,
    limit: number,
  ) => Promise<RingPage>
}

/** Credits above this are not kept: nobody needs more outstanding. */
const CREDIT_MESSAGES_MAX = 0xffff
const CREDIT_BYTES_MAX = 0xffffffff

export class Subscriptions {
  readonly #options: SubscriptionsOptions
  readonly #byMailbox = new Map<string, Map<FrameStream, Subscription>>()
  readonly #queue: Subscription[] = []
  /** Streams whose buffer is full, and which of their subscriptions wait until it drained. */
  readonly #full = new Map<FrameStream, Set<Subscription>>()
  #pumps = 0
  #size = 0

  constructor(options: SubscriptionsOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#size
  }

  /**
   * Starts one; an older one of its stream goes without a word. Of a device mailbox also one on
   * another stream, which is told that it is displaced.
   */
  add(stream: FrameStream, start: SubscriptionStart): void {
    // It closed while its SUB was carried out: nobody would take this one away again.
    if (!stream.open) return
    const { afterSeq, ...rest } = start
    for (const older of this.#of(start.mailboxId)) {
      if (older.stream === stream) this.#end(older, undefined)
      else if (!start.isShared) this.#end(older, END_DISPLACED)
    }
    const subscription: Subscription = {
      ...rest,
      stream,
      sentSeq: afterSeq,
      drained: false,
      queued: false,
      again: false,
      ended: false,
      starved: undefined,
    }
    const name = toHex(start.mailboxId)
    const streams = this.#byMailbox.get(name) ?? new Map<FrameStream, Subscription>()
    this.#byMailbox.set(name, streams.set(stream, subscription))
    this.#size += 1
    this.#wake(subscription)
  }

  /** Something up to `headSeq` is durable in a mailbox. */
  notify(mailboxId: Bytes16, headSeq: number): void {
    for (const subscription of this.#of(mailboxId)) {
      subscription.headSeq = Math.max(subscription.headSeq, headSeq)
      subscription.drained = false
      this.#wake(subscription)
    }
  }

  /** More credit for the subscription of this stream; nothing where it has none. */
  credit(stream: FrameStream, mailboxId: Bytes16, messages: number, bytes: number): void {
    const subscription = this.#byMailbox.get(toHex(mailboxId))?.get(stream)
    if (subscription === undefined) return
    subscription.messages = Math.min(subscription.messages + messages, CREDIT_MESSAGES_MAX)
    subscription.bytes = Math.min(subscription.bytes + bytes, CREDIT_BYTES_MAX)
    subscription.starved?.cancel()
    subscription.starved = undefined
    this.#wake(subscription)
  }

  /** Ends the subscription of this stream, at its own wish. */
  remove(stream: FrameStream, mailboxId: Bytes16): void {
    const subscription = this.#byMailbox.get(toHex(mailboxId))?.get(stream)
    if (subscription !== undefined) this.#end(subscription, undefined)
  }

  /** Ends a mailbox's subscriptions and says why. */
  end(mailboxId: Bytes16, reason: number): void {
    for (const subscription of this.#of(mailboxId)) this.#end(subscription, reason)
  }

  /** Pushes what is not stored, to whoever is subscribed and has room for it. */
  pushEphemeral(mailboxId: Bytes16, env: Uint8Array): void {
    for (const { stream, bytes } of this.#of(mailboxId)) {
      if (bytes > 0) this.#send(stream, { kind: 'ephemeral', mailboxId, env })
    }
  }

  #of(mailboxId: Bytes16): Iterable<Subscription> {
    return this.#byMailbox.get(toHex(mailboxId))?.values() ?? []
  }

  #send(stream: FrameStream, push: RelayPush): void {
    if (stream.send(encodePushFrame([push])) || this.#full.has(stream)) return
    const waiting = new Set<Subscription>()
    this.#full.set(stream, waiting)
    stream.drained().then(
      () => {
        this.#full.delete(stream)
        for (const subscription of waiting) this.#wake(subscription)
      },
      // The stream closed: its end removes the subscriptions.
      () => this.#full.delete(stream),
    )
  }

  /** Whether its stream takes no more now: it is woken when it does. */
  #waits(subscription: Subscription): boolean {
    return this.#full.get(subscription.stream)?.add(subscription) !== undefined
  }

  #end(subscription: Subscription, reason: number | undefined): void {
    subscription.ended = true
    subscription.starved?.cancel()
    const name = toHex(subscription.mailboxId)
    const streams = this.#byMailbox.get(name)
    if (streams?.delete(subscription.stream) === true) this.#size -= 1
    if (streams?.size === 0) this.#byMailbox.delete(name)
    this.#options.figures.subscriptionsEnded += 1
    if (reason === undefined) return
    this.#send(subscription.stream, { kind: 'end', mailboxId: subscription.mailboxId, reason })
  }

  #wake(subscription: Subscription): void {
    subscription.again = true
    if (subscription.queued || subscription.ended) return
    subscription.queued = true
    this.#queue.push(subscription)
    if (this.#pumps >= PUMPS_AT_ONCE) return
    this.#pumps += 1
    void this.#pump()
  }

  async #pump(): Promise<void> {
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        next.again = false
        const more = await this.#page(next)
        next.queued = false
        if (more || next.again) this.#wake(next)
      }
    } finally {
      this.#pumps -= 1
    }
  }

  /** Pushes one page; whether it should be called again at once. */
  async #page(subscription: Subscription): Promise<boolean> {
    const { stream } = subscription
    if (subscription.ended || !stream.open || this.#waits(subscription)) return false
    let page: RingPage
    try {
      page = await this.#read(subscription)
    } catch (error) {
      // The store is failing; the committer finds out with its next write. The client comes again.
      stream.abort(error instanceof Error ? error : new Error(String(error)))
      return false
    }
    if (subscription.ended || !stream.open || this.#waits(subscription)) return false
    const { items, head } = page
    if (items.length === 0) {
      this.#drain(subscription, head)
      return false
    }
    const sent = this.#cut(subscription, items)
    subscription.drained = false
    if (sent.length === 0) {
      this.#starve(subscription)
      return false
    }
    this.#send(stream, { kind: 'items', mailboxId: subscription.mailboxId, items: sent })
    this.#options.figures.pushedItems += sent.length
    return true
  }

  async #read({ mailboxId, sentSeq, messages, isShared }: Subscription): Promise<RingPage> {
    const limit = Math.max(1, Math.min(messages, PUSH_PAGE))
    const { itemsAfter, ringItemsAfter } = this.#options
    if (isShared) return ringItemsAfter(mailboxId, sentSeq, limit)
    return { items: await itemsAfter(mailboxId, sentSeq, limit), head: undefined }
  }

  /** The items that credit and one frame allow; takes the credit. */
  #cut(subscription: Subscription, items: readonly RelayItem[]): readonly RelayItem[] {
    const out: RelayItem[] = []
    let bytes = 0
    for (const item of items) {
      const size = item.env.length + ITEM_OVERHEAD_BYTES
      if (subscription.messages <= 0 || subscription.bytes <= 0) break
      if (out.length > 0 && bytes + size > PUSH_FRAME_BYTES) break
      bytes += size
      subscription.messages -= 1
      subscription.bytes -= item.env.length
      subscription.sentSeq = item.seq
      subscription.headSeq = Math.max(subscription.headSeq, item.seq)
      out.push(item)
    }
    return out
  }

  #drain(subscription: Subscription, head: RingPage['head']): void {
    // Something came while the page was read: not the head after all, and it is read again.
    if (subscription.drained || subscription.again) return
    subscription.drained = true
    const { mailboxId, incarnation } = subscription
    const headSeq = head?.seq ?? subscription.headSeq
    const push: RelayPush = { kind: 'drained', mailboxId, incarnation, headSeq, chain: head?.chain }
    this.#send(subscription.stream, push)
  }

  #starve(subscription: Subscription): void {
    subscription.starved ??= this.#options.clock.after(CREDIT_MS, () => {
      if (!subscription.ended) this.#end(subscription, END_NO_CREDIT)
    })
  }
}
