// Gossip within one process: the same contract as over gossipsub, on the connections of the network
// in memory and under the faults of its wire. It repeats nothing: what the wire loses is lost.
import { type Bytes32, toHex } from '../../crypto/index.ts'
import type { Gossip, GossipOptions } from '../gossip.ts'
import { GossipDoor, checkPublished } from './gossip-door.ts'
import { gossipId } from './gossip-id.ts'
import { GOSSIP_SEEN_MS } from './limits.ts'
import { peerIdText } from './peer-id.ts'

/** What the network in memory lends to the gossip of one host. */
export interface GossipSite {
  readonly transportKey: Bytes32
  readonly gossip: MemoryGossip | undefined
  /** The sites with an open connection to this one. */
  neighbours(): readonly GossipSite[]
  /** Sends bytes to a neighbour, which may be lost; `arrive` runs there. */
  cast(to: GossipSite, sizeBytes: number, arrive: () => void): void
}

export class MemoryGossip implements Gossip {
  readonly peer: string
  readonly #site: GossipSite
  readonly #options: GossipOptions
  readonly #door: GossipDoor
  /** When data was seen first, by id, oldest first. */
  readonly #seen = new Map<string, number>()
  #running = true

  constructor(site: GossipSite, options: GossipOptions) {
    this.peer = peerIdText(site.transportKey)
    this.#site = site
    this.#options = options
    this.#door = new GossipDoor(options)
  }

  subscribe(topic: string): void {
    this.#door.subscribe(topic)
  }

  unsubscribe(topic: string): void {
    this.#door.unsubscribe(topic)
  }

  setPeers(topic: string, transportKeys: readonly Bytes32[]): void {
    this.#door.setPeers(topic, transportKeys.map(peerIdText))
  }

  async publish(topic: string, data: Uint8Array): Promise<number> {
    checkPublished(topic, data)
    if (!this.#running || this.#sawBefore(data)) return 0
    return this.#spread(topic, data.slice())
  }

  peersOf(topic: string): readonly Bytes32[] {
    return this.#linked(topic).map((site) => site.transportKey)
  }

  async stop(): Promise<void> {
    this.halt()
  }

  /** Nothing comes in or goes out from now on. */
  halt(): void {
    this.#running = false
  }

  #linked(topic: string): readonly GossipSite[] {
    return this.#site.neighbours().filter(({ gossip }) => {
      return (
        gossip !== undefined &&
        gossip.#running &&
        this.#door.allows(topic, gossip.peer) &&
        gossip.#door.isSubscribed(topic) &&
        gossip.#door.allows(topic, this.peer)
      )
    })
  }

  #spread(topic: string, data: Uint8Array, except?: GossipSite): number {
    const targets = this.#linked(topic).filter((site) => site !== except)
    for (const target of targets) {
      this.#site.cast(
        target,
        data.length,
        () => void target.gossip?.receive(topic, data, this.#site),
      )
    }
    return targets.length
  }

  async receive(topic: string, data: Uint8Array, from: GossipSite): Promise<void> {
    const peer = peerIdText(from.transportKey)
    if (!this.#running || !this.#door.takes(topic, peer) || this.#sawBefore(data)) return
    const verdict = await this.#door.judge(peer, {
      topic,
      data: data.slice(),
      from: from.transportKey,
    })
    if (!this.#running) return
    if (verdict === 'reject') this.#door.reject(peer)
    if (verdict === 'accept' && this.#door.isSubscribed(topic)) this.#spread(topic, data, from)
  }

  /** Whether this data was seen lately; it is from now on. */
  #sawBefore(data: Uint8Array): boolean {
    const nowMs = this.#options.clock.monotonicMs()
    for (const [id, atMs] of this.#seen) {
      if (nowMs - atMs < GOSSIP_SEEN_MS) break
      this.#seen.delete(id)
    }
    const id = toHex(gossipId(data))
    if (this.#seen.has(id)) return true
    this.#seen.set(id, nowMs)
    return false
  }
}
