// Limits by network address (SPEC.md §14.7): connections at once, and new ones per second. Kept in
// memory while an address is connected or recently was, never written, never logged.
import type { Clock } from '../clock.ts'
import { LeastRecentMap } from './least-recent-map.ts'
import { BUCKETS_MAX, CONNECTIONS_PER_ADDRESS, NEW_CONNECTIONS_PER_S } from './limits.ts'
import { TokenBucket } from './token-buckets.ts'

/** IPv4 as it is; of IPv6 the first 64 bits: one subscriber has them all. */
export function addressGroup(address: string): string {
  if (!address.includes(':')) return address
  const [head = '', tail] = address.split('%')[0]?.split('::') ?? []
  const groups = head === '' ? [] : head.split(':')
  const missing =
    8 - groups.length - (tail === undefined || tail === '' ? 0 : tail.split(':').length)
  const full =
    tail === undefined
      ? groups
      : [...groups, ...Array.from({ length: Math.max(0, missing) }, () => '0'), ...tail.split(':')]
  return full
    .slice(0, 4)
    .map((group) => Number.parseInt(group === '' ? '0' : group, 16).toString(16))
    .join(':')
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.')
}

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
