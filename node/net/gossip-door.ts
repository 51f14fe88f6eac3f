// Who may exchange what by gossip (SPEC.md §22.3): the part of the port that is the same over any
// network. Peers are named by the text of their transport key (peer-id.ts).
import {
  GOSSIP_DATA_MAX_BYTES,
  GOSSIP_PEERS_MAX,
  GOSSIP_TOPICS_MAX,
  GossipPeerGate,
} from '../../protocol/index.ts'
import { NodeError } from '../errors.ts'
import type { GossipMessage, GossipOptions, GossipVerdict } from '../gossip.ts'
import {
  GOSSIP_LISTS_MAX,
  GOSSIP_TOPIC_MAX_CHARS,
  GOSSIP_VALIDATING_MAX,
  GOSSIP_VALIDATING_PER_PEER,
} from './limits.ts'

export interface PeerChange {
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

export class GossipDoor {
  readonly #options: GossipOptions
  readonly #gate = new GossipPeerGate()
  readonly #subscribed = new Set<string>()
  readonly #allowed = new Map<string, ReadonlySet<string>>()
  /** Messages under validation, by peer. */
  readonly #validating = new Map<string, number>()
  #validatingInAll = 0

  constructor(options: GossipOptions) {
    this.#options = options
  }

  /** true: it is new. Throws INVALID. */
  subscribe(topic: string): boolean {
    checkTopic(topic)
    if (this.#subscribed.has(topic)) return false
    if (this.#subscribed.size >= GOSSIP_TOPICS_MAX) {
      throw new NodeError('INVALID', `${GOSSIP_TOPICS_MAX} topics are subscribed already`)
    }
    this.#subscribed.add(topic)
    return true
  }

  unsubscribe(topic: string): boolean {
    return this.#subscribed.delete(topic)
  }

  isSubscribed(topic: string): boolean {
    return this.#subscribed.has(topic)
  }

  /** Throws INVALID. */
  setPeers(topic: string, peers: readonly string[]): PeerChange {
    checkTopic(topic)
    const after = new Set(peers)
    if (after.size > GOSSIP_PEERS_MAX) {
      throw new NodeError('INVALID', `a topic has ${GOSSIP_PEERS_MAX} peers at most`)
    }
    const before = this.peersOf(topic)
    if (after.size === 0) this.#allowed.delete(topic)
    else this.#allowed.set(topic, after)
    if (this.#allowed.size > GOSSIP_LISTS_MAX) {
      this.#allowed.delete(topic)
      throw new NodeError('INVALID', `${GOSSIP_LISTS_MAX} topics have peers already`)
    }
    return {
      added: [...after].filter((peer) => !before.has(peer)),
      removed: [...before].filter((peer) => !after.has(peer)),
    }
  }

  peersOf(topic: string): ReadonlySet<string> {
    return this.#allowed.get(topic) ?? new Set()
  }

  /** Whether a topic is exchanged with this peer. */
  allows(topic: string, peer: string): boolean {
    return this.peersOf(topic).has(peer) && !this.#isOut(peer)
  }

  /** Whether any topic is. */
  admits(peer: string): boolean {
    if (this.#isOut(peer)) return false
    for (const peers of this.#allowed.values()) if (peers.has(peer)) return true
    return false
  }

  /** Every peer that any topic is exchanged with. */
  admitted(): ReadonlySet<string> {
    const all = [...this.#allowed.values()].flatMap((peers) => [...peers])
    return new Set(all.filter((peer) => !this.#isOut(peer)))
  }

  /** Whether a message on a topic is looked at; counts it towards the peer's rate. */
  takes(topic: string, peer: string): boolean {
    return (
      this.isSubscribed(topic) &&
      this.allows(topic, peer) &&
      this.#gate.take(peer, this.#options.clock.monotonicMs())
    )
  }

  /** Asks the validator. Never rejects; a message too many is ignored. */
  async judge(peer: string, message: GossipMessage): Promise<GossipVerdict> {
    const ofPeer = this.#validating.get(peer) ?? 0
    const full = this.#validatingInAll >= GOSSIP_VALIDATING_MAX
    if (full || ofPeer >= GOSSIP_VALIDATING_PER_PEER) return 'ignore'
    this.#validating.set(peer, ofPeer + 1)
    this.#validatingInAll += 1
    try {
      return await this.#options.validate(message)
    } catch {
      // Our own failure says nothing about the message.
      return 'ignore'
    } finally {
      this.#validatingInAll -= 1
      const left = (this.#validating.get(peer) ?? 1) - 1
      if (left === 0) this.#validating.delete(peer)
      else this.#validating.set(peer, left)
    }
  }

  /** Counts a rejected message against a peer; true: it is out from now on. */
  reject(peer: string): boolean {
    return this.#gate.reject(peer, this.#options.clock.monotonicMs())
  }

  #isOut(peer: string): boolean {
    return this.#gate.isOut(peer, this.#options.clock.monotonicMs())
  }
}

function checkTopic(topic: string): void {
  if (topic.length === 0 || topic.length > GOSSIP_TOPIC_MAX_CHARS) {
    throw new NodeError('INVALID', `a topic has 1 to ${GOSSIP_TOPIC_MAX_CHARS} characters`)
  }
}

/** Throws TOO_LARGE or INVALID: gossipsub would lose it without a word. */
export function checkPublished(topic: string, data: Uint8Array): void {
  checkTopic(topic)
  if (data.length === 0) throw new NodeError('INVALID', 'nothing to publish')
  if (data.length > GOSSIP_DATA_MAX_BYTES) {
    throw new NodeError(
      'TOO_LARGE',
      `${data.length} bytes are more than the ${GOSSIP_DATA_MAX_BYTES} that gossip carries`,
    )
  }
}

/** Why a host starts no gossip (again). */
export function noGossip(role: string): NodeError {
  return new NodeError('INVALID', `gossip runs once on a home host; this is a ${role} host`)
}
