// Token buckets in memory (SPEC.md §14.7): they bound load and are forgotten at a restart.
import type { RateGate } from '../../protocol/index.ts'
import type { Clock } from '../clock.ts'
import { LeastRecentMap } from './least-recent-map.ts'
import { BUCKETS_MAX, DEPOSITS_BURST, DEPOSITS_PER_S, TAKES_MAX, TAKES_WINDOW_S } from './limits.ts'

export interface Rate {
  readonly burst: number
  readonly perSecond: number
}

/** One bucket: starts full, refills steadily. */
export class TokenBucket {
  readonly #rate: Rate
  #tokens: number
  #atMs: number

  constructor(rate: Rate, nowMs: number) {
    this.#rate = rate
    this.#tokens = rate.burst
    this.#atMs = nowMs
  }

  /** Takes `count`; 0, or milliseconds until they would be there (and nothing is taken). */
  take(count: number, nowMs: number): number {
    const { burst, perSecond } = this.#rate
    const passedMs = Math.max(0, nowMs - this.#atMs)
    this.#tokens = Math.min(burst, this.#tokens + (passedMs * perSecond) / 1000)
    this.#atMs = nowMs
    if (this.#tokens < count) return Math.ceil(((count - this.#tokens) * 1000) / perSecond)
    this.#tokens -= count
    return 0
  }
}

const TAKES: Rate = { burst: TAKES_MAX, perSecond: TAKES_MAX / TAKES_WINDOW_S }

const RATES: Readonly<Record<'deposit' | 'take' | 'card', Rate>> = {
  deposit: { burst: DEPOSITS_BURST, perSecond: DEPOSITS_PER_S },
  take: TAKES,
  card: TAKES,
}

/** The buckets of capabilities and sources. */
export class TokenBuckets implements RateGate {
  readonly #clock: Clock
  readonly #buckets = new LeastRecentMap<TokenBucket>(BUCKETS_MAX)

  constructor(clock: Clock) {
    this.#clock = clock
  }

  take(rate: 'deposit' | 'take' | 'card', key: string): number {
    const nowMs = this.#clock.monotonicMs()
    const name = `${rate} ${key}`
    let bucket = this.#buckets.get(name)
    if (bucket === undefined) {
      bucket = new TokenBucket(RATES[rate], nowMs)
      this.#buckets.set(name, bucket)
    }
    return bucket.take(1, nowMs)
  }
}
