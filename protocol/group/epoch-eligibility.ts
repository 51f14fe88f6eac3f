// Whether an epoch may be chosen for sending (SPEC.md §20.8, S6): a pure rule over the operations in
// its past, so that a member who makes one fresh epoch after another, and keeps their seeds from
// somebody, takes nobody's ability to send. Receivers open what they can, whatever this says.
import { type Bytes32, equalBytes } from '../../crypto/index.ts'
import { FRESH_EARNED_ENTRIES, FRESH_PER_AUTHOR_MIN, FRESH_WINDOW_OPS } from '../limits.ts'

export interface PastOperation {
  /** AK and DK of its author. */
  readonly account: Bytes32
  readonly device: Bytes32
  /** A rotate or merge: creations and removals are real changes. */
  readonly rotation: boolean
  /** Own entries of its device when it was made; 0 for other kinds. */
  readonly ownN: number
}

export interface EligibilityView {
  readonly operation: PastOperation
  /** |recipients|. */
  readonly recipients: number
  /** The operations in its past by (lamport, opId), the latest 32, oldest first. */
  readonly window: readonly PastOperation[]
  /** ownN of the device's rotation before those of the window; undefined: it made none. */
  readonly ownNBefore: (device: Bytes32) => number | undefined
  /** Two operations of its device have one seq (SPEC.md §19). */
  readonly equivocated: boolean
}

/** max(3, ceil(64 / |recipients|)): in small groups everybody may rotate more often. */
function allowance(recipients: number): number {
  return Math.max(FRESH_PER_AUTHOR_MIN, Math.ceil(64 / Math.max(1, recipients)))
}

/**
 * Whether rotations and merges by the operation's account in its window are within bounds, those not
 * counted that 512 own entries of their device since the one before have earned. An operation that
 * is neither is always eligible, unless its device equivocated.
 */
export function isEligible(view: EligibilityView): boolean {
  const { operation, window } = view
  if (view.equivocated) return false
  if (!operation.rotation) return true
  const lastN = new Map<string, number>()
  const earned = ({ device, ownN }: PastOperation): boolean => {
    const key = device.join()
    const before = lastN.get(key) ?? view.ownNBefore(device) ?? 0
    lastN.set(key, ownN)
    return ownN - before >= FRESH_EARNED_ENTRIES
  }
  let counted = 0
  for (const past of window.slice(-FRESH_WINDOW_OPS)) {
    if (!past.rotation || !equalBytes(past.account, operation.account)) continue
    if (!earned(past)) counted++
  }
  return counted <= allowance(view.recipients) || earned(operation)
}
