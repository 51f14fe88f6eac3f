// What the rules of a mailbox are handed (SPEC.md §14): they read with `get` and `range`, write
// with `put` and `remove`, and never wait for anything else. Many operations share one batch; each
// sees what those before it wrote.
import {
  type Bytes8,
  type Bytes16,
  type Bytes32,
  type CryptoProvider,
  type Random,
  toHex,
} from '../../crypto/index.ts'
import type { Step, Turn } from '../step.ts'
import { type MailboxCounters, countMarks } from './counters.ts'
import type { MailboxLimits } from './limits.ts'
import type { MailboxRecord } from './records.ts'

/** Buckets in memory, forgotten at a restart: they bound load, nothing rests on them. */
export interface RateGate {
  /** Takes one; 0, or milliseconds until one would be there. */
  take(rate: 'deposit' | 'take' | 'card', key: string): number
}

export interface CountersCache {
  get(mailboxId: string): MailboxCounters | undefined
  set(mailboxId: string, counters: MailboxCounters): void
  delete(mailboxId: string): void
}

export interface MailboxTurn extends Pick<Turn, 'put' | 'remove'> {
  /** Guarded clock, Unix seconds. */
  readonly nowS: number
  readonly crypto: CryptoProvider
  readonly random: Random
  readonly serviceKey: Bytes32
  /** Random at the creation of the store and at each restore. */
  readonly storeEpoch: Bytes8
  readonly limits: MailboxLimits
  /** Part of the disk allowed that is used, 0 to 1. */
  readonly diskUsed: number
  /** The clock is believed: what ended may go. */
  readonly mayDelete: boolean
  /** The process is behind: strangers' deposits and card reads are put off. */
  readonly shedding: boolean
  readonly depositBits: number
  readonly openBits: number
  /** Stands in for the secret of a mailbox that does not exist. */
  readonly dummySecret: Bytes32
  readonly gate: RateGate
  readonly counters: CountersCache
}

/** The incarnation a relay shows: H(record's ‖ storeEpoch)[0..8]. */
export function shownIncarnation(turn: MailboxTurn, record: MailboxRecord): Bytes8 {
  return turn.crypto.sha256(record.incarnation, turn.storeEpoch).slice(0, 8)
}

/** The counters of a mailbox, from the cache or its marks. */
export function* countersOf(
  turn: MailboxTurn,
  mailboxId: Bytes16,
  record: MailboxRecord,
): Step<MailboxCounters> {
  const key = toHex(mailboxId)
  const known = turn.counters.get(key)
  if (known !== undefined) return known
  const counters = yield* countMarks(mailboxId, record)
  turn.counters.set(key, counters)
  return counters
}
