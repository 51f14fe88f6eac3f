// Limits by network address (SPEC.md §14.7): connections at once, and new ones per second. Kept in
// memory while an address is connected or recently was, never written, never logged.
import type { Clock } from '../clock.ts'
import { addressGroup, isLoopback } from '../net/address-group.ts'
import { LeastRecentMap } from './least-recent-map.ts'
import { BUCKETS_MAX, CONNECTIONS_PER_ADDRESS, NEW_CONNECTIONS_PER_S } from './limits.ts'
import { TokenBucket } from './token-buckets.ts'

export class AddressLimits {
  readonly #clock: Clock
  readonly #open = new Map<string, number>()
  readonly #buckets = new LeastRecentMap<TokenBucket>(BUCKETS_MAX)

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Counts a stream in; a function that counts it out, or undefined: refuse it. */
  enter(address: string): (() => void) | undefined {
    if (isLoopback(address)) return () => undefined
    const group = addressGroup(address)
    const nowMs = this.#clock.monotonicMs()
    const rate = { burst: NEW_CONNECTIONS_PER_S, perSecond: NEW_CONNECTIONS_PER_S }
    const bucket = this.#buckets.get(group) ?? new TokenBucket(rate, nowMs)
    this.#buckets.set(group, bucket)
    const count = this.#open.get(group) ?? 0
    if (count >= CONNECTIONS_PER_ADDRESS || bucket.take(1, nowMs) > 0) return undefined
    this.#open.set(group, count + 1)
    return () => {
      const left = (this.#open.get(group) ?? 1) - 1
      if (left > 0) this.#open.set(group, left)
      else this.#open.delete(group)
    }
  }
}
