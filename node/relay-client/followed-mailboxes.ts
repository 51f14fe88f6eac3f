// The mailboxes that one stream follows (SPEC.md §14.5): what is pushed finds who listens, and no more
// is taken than credit was given for.
import { type Bytes16, toHex } from '../../crypto/index.ts'
import {
  type Cursor,
  type RelayFailure,
  type RelayItem,
  type RelayPush,
  isFailure,
} from '../../protocol/index.ts'
import { NodeError } from '../errors.ts'
import type { OperationQueue } from './operation-queue.ts'
import type { Credit, Subscription, SubscriptionHandlers } from './relay-types.ts'

interface Followed {
  readonly handlers: SubscriptionHandlers
  /** What may still be pushed. */
  messages: number
  bytes: number
  /** Its head was told, and nothing came since. */
  drained: boolean
}

export class FollowedMailboxes {
  readonly #queue: OperationQueue
  readonly #followed = new Map<string, Followed>()

  constructor(queue: OperationQueue) {
    this.#queue = queue
  }

  get size(): number {
    return this.#followed.size
  }

  /** Has a mailbox pushed from behind a cursor. */
  async follow(
    mailboxId: Bytes16,
    after: Cursor | undefined,
    handlers: SubscriptionHandlers,
    credit: Credit,
  ): Promise<Subscription | RelayFailure> {
    const name = toHex(mailboxId)
    const followed: Followed = { handlers, ...credit, drained: false }
    const request = { mailboxId, after, ...credit }
    // What was pushed before the answer is of the subscription that this one takes the place of.
    const { reply } = await this.#queue.call('sub', request, 0, (answer) => {
      if (!isFailure(answer)) this.#followed.set(name, followed)
    })
    if (isFailure(reply)) return reply
    const used = { messages: 0, bytes: 0 }
    return {
      ...reply,
      credit: (messages, bytes) => {
        used.messages += messages
        used.bytes += bytes
        // Half of it is left: the relay goes on meanwhile, and a call for each page costs both sides
        // more than the page.
        if (2 * used.messages < credit.messages && 2 * used.bytes < credit.bytes) return
        const due = { ...used }
        used.messages = 0
        used.bytes = 0
        followed.messages += due.messages
        followed.bytes += due.bytes
        // A refused credit means that the subscription is gone, which onEnd or onClose tells.
        this.#queue.call('credit', { mailboxId, ...due }).catch(() => undefined)
      },
      stop: async () => {
        if (this.#followed.get(name) !== followed) return
        this.#followed.delete(name)
        await this.#queue.call('unsub', { mailboxId })
      },
    }
  }

  /** Hands on what a relay pushed. Throws RELAY_UNREACHABLE where it pushed more than it may. */
  pushed(push: RelayPush): void {
    if (push.kind === 'goaway') return
    const name = toHex(push.mailboxId)
    const followed = this.#followed.get(name)
    if (followed === undefined) return
    const { handlers } = followed
    switch (push.kind) {
      case 'items':
        spend(followed, push.items)
        return handlers.onItems(push.items)
      case 'drained': {
        // Said again without anything in between it is no news, and costs a turn of the Ledger.
        if (followed.drained) return
        followed.drained = true
        const { incarnation, headSeq, chain } = push
        return handlers.onDrained({ incarnation, headSeq, chain })
      }
      case 'end':
        this.#followed.delete(name)
        return handlers.onEnd(push.reason)
      case 'room':
        return handlers.onRoom?.()
      case 'ephemeral':
        return handlers.onEphemeral?.(push.env)
    }
  }
}

/** Takes items from the credit: what a relay can have us hold is bounded by it. */
function spend(followed: Followed, items: readonly RelayItem[]): void {
  followed.drained = false
  for (const { env } of items) {
    if (followed.messages <= 0 || followed.bytes <= 0) {
      throw new NodeError('RELAY_UNREACHABLE', 'the relay pushed more than it had credit for')
    }
    followed.messages -= 1
    followed.bytes -= env.length
  }
}
