// Pushing what lies in mailboxes to whoever subscribed (SPEC.md §14.5): in order of sequence, as
// far as credit goes. A few subscriptions read at once, one page each, in turn: memory and the
// event loop are shared fairly, however many wake up together.
import { type Bytes8, type Bytes16, toHex } from '../../crypto/index.ts'
import {
  ITEM_OVERHEAD_BYTES,
  type RelayItem,
  type RelayPush,
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
  readonly incarnation: Bytes8
  readonly afterSeq: number
  readonly headSeq: number
  readonly messages: number
  readonly bytes: number
}

interface Subscription {
  readonly mailboxId: Bytes16
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
}

/** Credits above this are not kept: nobody needs more outstanding. */
const CREDIT_MESSAGES_MAX = 0xffff
const CREDIT_BYTES_MAX = 0xffffffff

export class Subscriptions {
  readonly #options: SubscriptionsOptions
  readonly #byMailbox = new Map<string, Subscription>()
  readonly #queue: Subscription[] = []
  #pumps = 0

  constructor(options: SubscriptionsOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#byMailbox.size
  }

  /** Starts one; an older one of the same mailbox on another stream is told that it is displaced. */
  add(stream: FrameStream, start: SubscriptionStart): void {
    const name = toHex(start.mailboxId)
    const older = this.#byMailbox.get(name)
    if (older !== undefined) this.#end(older, older.stream === stream ? undefined : END_DISPLACED)
    const subscription: Subscription = {
      mailboxId: start.mailboxId,
      incarnation: start.incarnation,
      stream,
      sentSeq: start.afterSeq,
      headSeq: start.headSeq,
      messages: start.messages,
      bytes: start.bytes,
      drained: false,
      queued: false,
      again: false,
      ended: false,
      starved: undefined,
    }
    this.#byMailbox.set(name, subscription)
    this.#wake(subscription)
  }

  has(mailboxId: Bytes16): boolean {
    return this.#byMailbox.has(toHex(mailboxId))
  }

  /** Something up to `headSeq` is durable in a mailbox. */
  notify(mailboxId: Bytes16, headSeq: number): void {
    const subscription = this.#byMailbox.get(toHex(mailboxId))
    if (subscription === undefined) return
    subscription.headSeq = Math.max(subscription.headSeq, headSeq)
    subscription.drained = false
    this.#wake(subscription)
  }

  /** More credit for the subscription of this stream; nothing where it has none. */
  credit(stream: FrameStream, mailboxId: Bytes16, messages: number, bytes: number): void {
    const subscription = this.#byMailbox.get(toHex(mailboxId))
    if (subscription === undefined || subscription.stream !== stream) return
    subscription.messages = Math.min(subscription.messages + messages, CREDIT_MESSAGES_MAX)
    subscription.bytes = Math.min(subscription.bytes + bytes, CREDIT_BYTES_MAX)
    subscription.starved?.cancel()
    subscription.starved = undefined
    this.#wake(subscription)
  }

  /** Ends the subscription of this stream, at its own wish. */
  remove(stream: FrameStream, mailboxId: Bytes16): void {
    const subscription = this.#byMailbox.get(toHex(mailboxId))
    if (subscription?.stream === stream) this.#end(subscription, undefined)
  }

  /** Ends a mailbox's subscription and says why. */
  end(mailboxId: Bytes16, reason: number): void {
    const subscription = this.#byMailbox.get(toHex(mailboxId))
    if (subscription !== undefined) this.#end(subscription, reason)
  }

  /** Pushes what is not stored; false where nobody is subscribed, or its stream is full. */
  pushEphemeral(mailboxId: Bytes16, env: Uint8Array): boolean {
    const subscription = this.#byMailbox.get(toHex(mailboxId))
    if (subscription === undefined || subscription.bytes <= 0) return false
    return this.#send(subscription.stream, { kind: 'ephemeral', mailboxId, env })
  }

  #send(stream: FrameStream, push: RelayPush): boolean {
    return stream.send(encodePushFrame([push]))
  }

  #end(subscription: Subscription, reason: number | undefined): void {
    subscription.ended = true
    subscription.starved?.cancel()
    this.#byMailbox.delete(toHex(subscription.mailboxId))
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
    if (subscription.ended || !stream.open) return false
    const limit = Math.max(1, Math.min(subscription.messages, PUSH_PAGE))
    let items: readonly RelayItem[]
    try {
      items = await this.#options.itemsAfter(subscription.mailboxId, subscription.sentSeq, limit)
    } catch (error) {
      // The store is failing; the committer finds out with its next write. The client comes again.
      stream.abort(error instanceof Error ? error : new Error(String(error)))
      return false
    }
    if (subscription.ended || !stream.open) return false
    if (items.length === 0) return this.#drain(subscription)
    const sent = this.#cut(subscription, items)
    subscription.drained = false
    if (sent.length === 0) {
      this.#starve(subscription)
      return false
    }
    const isWritable = this.#send(stream, {
      kind: 'items',
      mailboxId: subscription.mailboxId,
      items: sent,
    })
    this.#options.figures.pushedItems += sent.length
    if (!isWritable) this.#wakeWhenDrained(subscription)
    return isWritable
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

  #drain(subscription: Subscription): boolean {
    // Something came while the page was read: not the head after all, and it is read again.
    if (subscription.drained || subscription.again) return false
    subscription.drained = true
    const { mailboxId, incarnation, headSeq } = subscription
    const push: RelayPush = { kind: 'drained', mailboxId, incarnation, headSeq, chain: undefined }
    if (!this.#send(subscription.stream, push)) this.#wakeWhenDrained(subscription)
    return false
  }

  #starve(subscription: Subscription): void {
    subscription.starved ??= this.#options.clock.after(CREDIT_MS, () => {
      if (!subscription.ended) this.#end(subscription, END_NO_CREDIT)
    })
  }

  #wakeWhenDrained(subscription: Subscription): void {
    subscription.stream.drained().then(
      () => this.#wake(subscription),
      () => undefined, // The stream closed: its end removes the subscription.
    )
  }
}
