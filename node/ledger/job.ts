// A machine that waits for its turn in the Ledger, and whoever waits for its result.
import type { Step, Turn } from '../../protocol/index.ts'

export type Machine<T> = (turn: Turn) => Step<T>

export interface Job {
  readonly machine: Machine<unknown>
  readonly readOnly: boolean
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}
