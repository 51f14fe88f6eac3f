// What the Ledger is made with, and what it is handed.
import type { CryptoProvider, Random } from '../../crypto/index.ts'
import type { Effect, Self, Step, Turn } from '../../protocol/index.ts'
import type { Clock } from '../clock.ts'
import type { NodeError } from '../errors.ts'
import type { StoreWrite } from '../store.ts'
import type { RecordStore } from '../store/record-store.ts'
import type { ChangeRow } from './change-feed.ts'

export interface LedgerOptions {
  readonly records: RecordStore
  readonly clock: Clock
  readonly safeNowMs: () => number
  readonly random: Random
  readonly provider: CryptoProvider
  readonly self: Self
  readonly onEffects: (effects: readonly Effect[]) => void
  readonly onChanges: (rows: readonly ChangeRow[]) => void
  /** A batch failed: nothing after it counts. The node stops answering and reopens. */
  readonly onFailure: (error: NodeError) => void
  /** One of the two callbacks above threw: the Ledger goes on. */
  readonly onDefect: (error: unknown) => void
}

export type Machine<T> = (turn: Turn) => Step<T>

/** Works on stored records while nothing else does; what it answers is written as one batch. */
export type Rewrite<T> = (
  records: RecordStore,
) => Promise<{ readonly writes: readonly StoreWrite[]; readonly result: T }>

/** A machine that waits for its turn. */
export interface Job {
  readonly machine: Machine<unknown>
  readonly readOnly: boolean
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}
