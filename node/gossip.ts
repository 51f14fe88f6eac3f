// The gossip port: carries a group's messages live among members who are directly connected (SPEC.md
// §22). Nothing rests on it: what it loses comes by mailbox or sync, later. Production gives gossipsub
// (net/libp2p-gossip.ts), the simulator a lossy one (net/memory-gossip.ts); both pass
// tests/contracts/gossip.ts.
import type { Bytes32 } from '../crypto/index.ts'
import type { Clock } from './clock.ts'

/**
 * accept: new and good, hand it on. ignore: not for us to judge, or known already. reject: no honest
 * member would have handed it on, so it counts against the peer that did.
 */
export type GossipVerdict = 'accept' | 'ignore' | 'reject'

export interface GossipMessage {
  readonly topic: string
  /** 1 to 65,536 bytes, the receiver's own. */
  readonly data: Uint8Array
  /** Transport key of the peer that handed it over; seldom its author's. */
  readonly from: Bytes32
}

export interface GossipOptions {
  readonly clock: Clock
  /**
   * Called once for each new message on a subscribed topic, before it is handed on; it is delivered
   * by this call. A verdict that takes longer than 5 s hands nothing on. Throwing is `ignore`.
   */
  readonly validate: (message: GossipMessage) => GossipVerdict | Promise<GossipVerdict>
}

export interface Gossip {
  /** Listens to a topic and hands its messages on. Throws INVALID beyond 32 topics. */
  subscribe(topic: string): void
  unsubscribe(topic: string): void
  /**
   * Sets the transport keys that a topic is exchanged with, at most 24 (else INVALID); none until
   * told. Nobody else learns of the topic, is heard on it, or is sent anything. It dials nobody:
   * it runs over connections that are there.
   */
  setPeers(topic: string, transportKeys: readonly Bytes32[]): void
  /**
   * Hands a message to peers, subscribed to the topic oneself or not; resolves with how many, which
   * is no evidence that any of them has it. 0 where nobody listens, or for what was seen within the
   * last 2 minutes. Rejects with TOO_LARGE above 65,536 bytes, INVALID for none.
   */
  publish(topic: string, data: Uint8Array): Promise<number>
  /** The allowed peers that are connected and subscribed to a topic, as far as is known. */
  peersOf(topic: string): readonly Bytes32[]
  stop(): Promise<void>
}
