// What every service of a running node is handed: ports, keys, and the Ledger that all state goes
// through.
import { type CryptoProvider, type Random, readU32 } from '../crypto/index.ts'
import type { Self } from '../protocol/index.ts'
import type { Clock } from './clock.ts'
import type { Ledger } from './ledger/ledger.ts'
import type { GuardedClock } from './relay/guarded-clock.ts'
import type { SumsKeeper } from './sums.ts'

export interface Core {
  readonly ledger: Ledger
  readonly clock: Clock
  readonly guarded: GuardedClock
  readonly random: Random
  readonly provider: CryptoProvider
  readonly self: Self
  /** Aborts when the node stops. */
  readonly stopping: AbortSignal
  /** Statistics: `stats`. */
  readonly sums: SumsKeeper
  /** Tells the node's owner what no caller waits for; never plaintext, keys or whole ids. */
  readonly log: (scope: string, text: string) => void
}

/** A number between 0 and 1 from the node's randomness. */
export function unit(random: Random): number {
  return readU32(random(4), 0) / 0x1_0000_0000
}
