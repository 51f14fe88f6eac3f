// What a node did, in durable sums (`sotto stats`): counts by name, and how long things took in
// buckets. Nothing in them names a person, a message or a mailbox. They are added up in memory and
// written once a minute and at the end: a crash loses a minute of statistics, never a message.
import { EMPTY, FieldReader, decodeCbor, encodeCbor, encodeText } from '../crypto/index.ts'
import { type Effect, type Step, type Table, type Turn, get } from '../protocol/index.ts'
import type { TimeSums } from './api.ts'
import type { ChangeRow } from './ledger/change-feed.ts'
import type { Ledger } from './ledger/ledger.ts'

/** Of the counts that are kept; errors are counted beside them, by code. */
export type Count =
  | 'sent'
  | 'received'
  | 'gapsFound'
  | 'gapsRepaired'
  | 'depositRetries'
  | 'dialFailures'
  | 'busyAnswers'
  | 'streamsOpened'
  | 'streamsAccepted'
  | 'streamsRefused'
  | 'streamsClosed'

/** From queued until: on a relay; in the log of a device, by a stream or by a receipt; seen. */
export type Timed = 'relayed' | 'direct' | 'byRelay' | 'read'

/** Quarter octaves: bucket b holds what took at most 2^(b/4) ms and more than the bucket before. */
const BUCKETS_PER_OCTAVE = 4
/** Up to half a year. */
const BUCKETS_MAX = 136
/** Codes that are told apart; others count as OTHER. */
const ERRORS_MAX = 64
const ROW_MAX_BYTES = 8_192

interface Sums {
  /** When counting began, Unix ms; 0 while there is nothing. */
  readonly sinceMs: number
  readonly counts: ReadonlyMap<string, number>
  readonly errors: ReadonlyMap<string, number>
  /** By name, how many fell into each bucket. */
  readonly times: ReadonlyMap<string, readonly number[]>
}

const NOTHING: Sums = { sinceMs: 0, counts: new Map(), errors: new Map(), times: new Map() }

function decodeSums(bytes: Uint8Array): Sums {
  const fields = new FieldReader(decodeCbor(bytes, ROW_MAX_BYTES), 'sums')
  fields.uint('format', 1)
  const name = (one: FieldReader): string => new TextDecoder().decode(one.bytes('name', 1, 64))
  const counted = (list: string): ReadonlyMap<string, number> =>
    new Map(
      fields.array(list, 0, ERRORS_MAX + 64).map((value) => {
        const one = new FieldReader(value, list)
        return [name(one), one.uint('count')]
      }),
    )
  const sinceMs = fields.uint('since')
  const counts = counted('counts')
  const errors = counted('errors')
  const times = new Map(
    fields.array('times', 0, 16).map((value) => {
      const one = new FieldReader(value, 'times')
      return [name(one), one.array('buckets', 0, BUCKETS_MAX).map((count) => Number(count))]
    }),
  )
  return { sinceMs, counts, errors, times }
}

const pairs = (map: ReadonlyMap<string, number>) =>
  [...map].map(([name, count]) => [encodeText(name), count])

const table: Table<0, Sums> = {
  name: 'sums',
  sealing: 'value',
  place: () => ({ owner: EMPTY, order: EMPTY }),
  encode: ({ sinceMs, counts, errors, times }) =>
    encodeCbor([
      1,
      sinceMs,
      pairs(counts),
      pairs(errors),
      [...times].map(([name, buckets]) => [encodeText(name), [...buckets]]),
    ]),
  decode: decodeSums,
}

function bucketOf(ms: number): number {
  if (ms <= 1) return 0
  return Math.min(BUCKETS_MAX - 1, Math.ceil(BUCKETS_PER_OCTAVE * Math.log2(ms)))
}

function plus(
  left: ReadonlyMap<string, number>,
  right: ReadonlyMap<string, number>,
): Map<string, number> {
  const sum = new Map(left)
  for (const [name, count] of right) sum.set(name, (sum.get(name) ?? 0) + count)
  return sum
}

function merged(left: Sums, right: Sums): Sums {
  const times = new Map(left.times)
  for (const [name, buckets] of right.times) {
    const before = times.get(name) ?? []
    const length = Math.max(before.length, buckets.length)
    const sum = Array.from({ length }, (_, i) => (before[i] ?? 0) + (buckets[i] ?? 0))
    times.set(name, sum)
  }
  return {
    sinceMs: left.sinceMs || right.sinceMs,
    counts: plus(left.counts, right.counts),
    errors: plus(left.errors, right.errors),
    times,
  }
}

/** Percentiles by nearest rank, each the upper end of its bucket; undefined without any value. */
export function percentilesOf(buckets: readonly number[]): TimeSums | undefined {
  const count = buckets.reduce((sum, one) => sum + one, 0)
  if (count === 0) return undefined
  const at = (share: number): number => {
    let left = Math.ceil(share * count)
    for (const [i, one] of buckets.entries()) {
      left -= one
      if (left <= 0) return Math.round(2 ** (i / BUCKETS_PER_OCTAVE))
    }
    return Number.NaN
  }
  return { count, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99) }
}

export interface SumsView {
  /** When counting began, Unix ms; 0 where nothing was counted yet. */
  readonly since: number
  readonly counts: Readonly<Record<string, number>>
  readonly errors: Readonly<Record<string, number>>
  readonly times: Readonly<Record<string, TimeSums>>
}

/** Counts in memory what is not written yet. */
export class SumsKeeper {
  #counts = new Map<string, number>()
  #errors = new Map<string, number>()
  #times = new Map<string, number[]>()

  count(name: Count, by = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + by)
  }

  /** An error that was met at work, by its code. */
  error(error: unknown): void {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'INTERNAL'
    const known = this.#errors.has(code) || this.#errors.size < ERRORS_MAX
    const name = known ? code.slice(0, 64) : 'OTHER'
    this.#errors.set(name, (this.#errors.get(name) ?? 0) + 1)
  }

  time(name: Timed, ms: number): void {
    const buckets = this.#times.get(name) ?? []
    const bucket = bucketOf(ms)
    while (buckets.length <= bucket) buckets.push(0)
    buckets[bucket] = (buckets[bucket] ?? 0) + 1
    this.#times.set(name, buckets)
  }

  /** What effects of a durable batch say. */
  took(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'measured') this.time(effect.what, effect.ms)
    }
  }

  /** What durable changes say. */
  changed(rows: readonly ChangeRow[]): void {
    for (const { change } of rows) {
      if (change.kind === 'message') this.count(change.mine ? 'sent' : 'received')
      if (change.kind !== 'gap') continue
      this.count(change.missing ? 'gapsFound' : 'gapsRepaired', change.to - change.from + 1)
    }
  }

  get #pending(): Omit<Sums, 'sinceMs'> {
    return { counts: this.#counts, errors: this.#errors, times: this.#times }
  }

  get #isEmpty(): boolean {
    return this.#counts.size + this.#errors.size + this.#times.size === 0
  }

  /** Writes down what was counted; where that fails it is kept, and rejects. */
  async flush(ledger: Ledger): Promise<void> {
    if (this.#isEmpty) return
    const taken = this.#pending
    this.#counts = new Map()
    this.#errors = new Map()
    this.#times = new Map()
    try {
      await ledger.run(function* (turn) {
        const before = (yield* get(table, 0)) ?? NOTHING
        turn.put(table, 0, merged(before, { sinceMs: turn.nowMs, ...taken }))
      })
    } catch (error) {
      this.#takeBack(taken)
      throw error
    }
  }

  #takeBack(lost: Omit<Sums, 'sinceMs'>): void {
    const all = merged({ sinceMs: 0, ...lost }, { sinceMs: 0, ...this.#pending })
    this.#counts = new Map(all.counts)
    this.#errors = new Map(all.errors)
    this.#times = new Map([...all.times].map(([name, buckets]) => [name, [...buckets]]))
  }

  /** Everything since counting began, with what is not written yet. */
  *view(turn: Turn): Step<SumsView> {
    const before = (yield* get(table, 0)) ?? NOTHING
    const now = this.#isEmpty ? 0 : turn.nowMs
    const all = merged(before, { sinceMs: now, ...this.#pending })
    const times = [...all.times].flatMap(([name, buckets]) => {
      const found = percentilesOf(buckets)
      return found === undefined ? [] : [[name, found] as const]
    })
    return {
      since: all.sinceMs,
      counts: Object.fromEntries(all.counts),
      errors: Object.fromEntries(all.errors),
      times: Object.fromEntries(times),
    }
  }
}
