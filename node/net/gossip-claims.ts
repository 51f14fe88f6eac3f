// What peers say they subscribe to. A peer may name a topic before we allow it the topic; it says so
// once, so that has to be remembered until we do.
import { GOSSIP_CLAIMS_MAX, GOSSIP_TOPIC_MAX_CHARS } from './limits.ts'

interface Subscription {
  readonly topic?: string
  readonly subscribe?: boolean
}

export class GossipClaims {
  readonly #topics = new Map<string, Set<string>>()

  note(peer: string, subscriptions: readonly Subscription[]): void {
    for (const { topic, subscribe } of subscriptions) {
      if (topic === undefined || topic.length > GOSSIP_TOPIC_MAX_CHARS) continue
      const topics = this.#topics.get(peer) ?? new Set()
      this.#topics.set(peer, topics)
      if (subscribe !== true) topics.delete(topic)
      else if (topics.size < GOSSIP_CLAIMS_MAX) topics.add(topic)
    }
  }

  has(peer: string, topic: string): boolean {
    return this.#topics.get(peer)?.has(topic) === true
  }

  forget(peer: string): void {
    this.#topics.delete(peer)
  }
}
