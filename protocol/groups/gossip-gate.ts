// Whose gossip is taken, and how fast (SPEC.md §22.4). A message above a rate is ignored, not held
// against anybody: it comes by mailbox. What no member would have forwarded is held against whoever
// handed it over. All of it in memory: it bounds load, and nothing rests on it.
import { type Bytes8, toHex } from '../../crypto/index.ts'
import {
  GOSSIP_OUT_MS,
  GOSSIP_PEERS_WATCHED_MAX,
  GOSSIP_PEER_BURST,
  GOSSIP_PEER_PER_S,
  GOSSIP_REJECTS_MAX,
  GOSSIP_REJECTS_WINDOW_MS,
  GOSSIP_SENDERS_WATCHED_MAX,
  GOSSIP_SENDER_BURST,
  GOSSIP_SENDER_PER_S,
} from '../group-limits.ts'

interface Bucket {
  tokens: number
  atMs: number
}

/** Token buckets by key: each starts full and refills steadily. */
class Rates {
  readonly #perSecond: number
  readonly #burst: number
  readonly #most: number
  readonly #buckets = new Map<string, Bucket>()

  constructor(perSecond: number, burst: number, most: number) {
    this.#perSecond = perSecond
    this.#burst = burst
    this.#most = most
  }

  /** Takes one token, where there is one. */
  take(key: string, nowMs: number): boolean {
    const found = this.#buckets.get(key)
    const bucket = found ?? { tokens: this.#burst, atMs: nowMs }
    const passedMs = Math.max(0, nowMs - bucket.atMs)
    bucket.tokens = Math.min(this.#burst, bucket.tokens + (passedMs * this.#perSecond) / 1000)
    bucket.atMs = nowMs
    keepNewest(this.#buckets, key, bucket, this.#most)
    if (bucket.tokens < 1) return false
    bucket.tokens -= 1
    return true
  }
}

/** Puts a value last; beyond `most` entries the longest untouched goes. */
function keepNewest<V>(map: Map<string, V>, key: string, value: V, most: number): void {
  map.delete(key)
  map.set(key, value)
  if (map.size <= most) return
  for (const oldest of map.keys()) {
    map.delete(oldest)
    return
  }
}

interface Record {
  /** When the last rejected messages came, oldest first. */
  readonly rejectsMs: readonly number[]
  readonly outUntilMs: number
}

/** Peers by the text that names their transport key. Times are monotonic milliseconds. */
export class GossipPeerGate {
  readonly #rates = new Rates(GOSSIP_PEER_PER_S, GOSSIP_PEER_BURST, GOSSIP_PEERS_WATCHED_MAX)
  readonly #records = new Map<string, Record>()

  /** Whether one more message of this peer is looked at. */
  take(peer: string, nowMs: number): boolean {
    return this.#rates.take(peer, nowMs)
  }

  /** Whether nothing is exchanged with this peer now. */
  isOut(peer: string, nowMs: number): boolean {
    const record = this.#records.get(peer)
    return record !== undefined && nowMs < record.outUntilMs
  }

  /** Counts a rejected message against the peer that handed it over; true: it is out from now on. */
  reject(peer: string, nowMs: number): boolean {
    if (this.isOut(peer, nowMs)) return false
    const earlier = this.#records.get(peer)?.rejectsMs ?? []
    const recent = earlier.filter((atMs) => nowMs - atMs < GOSSIP_REJECTS_WINDOW_MS)
    const rejectsMs = [...recent, nowMs]
    const out = rejectsMs.length >= GOSSIP_REJECTS_MAX
    const record = out
      ? { rejectsMs: [], outUntilMs: nowMs + GOSSIP_OUT_MS }
      : { rejectsMs, outUntilMs: 0 }
    keepNewest(this.#records, peer, record, GOSSIP_PEERS_WATCHED_MAX)
    return out
  }
}

/** Senders within an epoch: a member who floods is slowed by everybody, whoever hands it on. */
export class GossipSenderGate {
  readonly #rates = new Rates(GOSSIP_SENDER_PER_S, GOSSIP_SENDER_BURST, GOSSIP_SENDERS_WATCHED_MAX)

  /** Whether one more message of this sender is taken; asked once its header has opened. */
  take(epochTag: Bytes8, deviceIndex: number, nowMs: number): boolean {
    return this.#rates.take(`${toHex(epochTag)} ${deviceIndex}`, nowMs)
  }
}
