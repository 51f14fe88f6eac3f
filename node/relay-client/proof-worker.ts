// Doing proof of work without holding up anybody: a stretch, then the loop's turn.
import type { Bytes8, CryptoProvider } from '../../crypto/index.ts'
import { type Puzzle, solveWork } from '../../protocol/index.ts'
import type { Clock } from '../clock.ts'
import { WORK_BUDGET, WORK_PAUSE_MS } from './limits.ts'

/** A nonce that solves the puzzle. Rejects with the signal's reason when it aborts. */
export async function work(
  provider: CryptoProvider,
  clock: Clock,
  puzzle: Puzzle,
  options: { readonly bits: number; readonly signal?: AbortSignal },
): Promise<Bytes8> {
  const { bits, signal } = options
  const steps = solveWork(provider, puzzle, bits, WORK_BUDGET)
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done === true) return step.value
    await clock.sleep(WORK_PAUSE_MS, signal)
  }
}
