// How long epochs and their keys live (SPEC.md §20.6): a pure decision. Time alone deletes nothing
// before the cap: mail under an old epoch may wait in a mailbox for as long as a mailbox keeps it, so
// the mailboxes must have been read to their ends after that.
import type { Bytes32 } from '../../crypto/index.ts'
import { EPOCHS_WITH_CHAINS_MAX, EPOCH_CAP_MS, EPOCH_KEEP_MS } from '../group-limits.ts'

export interface RetainedEpoch {
  readonly opId: Bytes32
  readonly lineage: Bytes32
  readonly lamport: number
  /** It has rows of chains, or only E from which they derive. */
  readonly hasChains: boolean
  readonly hasAddKey: boolean
  /** Guarded clock, Unix ms; 0: not yet. */
  readonly supersededAtMs: number
  readonly freshAboveAtMs: number
  /** Entries of its recipients are missing in the log that may still come under it. */
  readonly openGap: boolean
}

export interface RetentionView {
  readonly safeNowMs: number
  /**
   * The latest time by which every listed mailbox, own and group, had been read to its end: the
   * oldest of their last such times. A device without mailboxes passes the present.
   */
  readonly drainedAtMs: number
  readonly epochs: readonly RetainedEpoch[]
}

export interface DroppedEpoch {
  readonly opId: Bytes32
  /** Done: nothing can need it. Lost: a bound took it, and what may still come under it is lost. */
  readonly why: 'done' | 'cap' | 'count'
}

export interface RetentionVerdict {
  readonly drop: readonly DroppedEpoch[]
  /** Epochs that are kept, whose add key goes: those that extend them write their chains and drop E. */
  readonly dropAddKeys: readonly Bytes32[]
  /** Fresh operations of lineages whose last epoch goes: their keys go with it. */
  readonly dropLineages: readonly Bytes32[]
}

type Fate = 'kept' | 'done' | 'cap'

/** What time and the drain gate say of something that was superseded. */
function fateOf(sinceMs: number, view: RetentionView): Fate {
  if (sinceMs === 0) return 'kept'
  const unusedMs = sinceMs + EPOCH_KEEP_MS
  if (view.safeNowMs >= unusedMs && view.drainedAtMs >= unusedMs) return 'done'
  return view.safeNowMs >= sinceMs + EPOCH_CAP_MS ? 'cap' : 'kept'
}

/**
 * An epoch goes with its add key, which another operation may still extend until a fresh one took
 * over; without any activity at the cap, when nothing is lost by it.
 */
function epochFate(epoch: RetainedEpoch, view: RetentionView): Fate {
  const fate = fateOf(epoch.supersededAtMs, view)
  if (fate !== 'done') return fate
  const capped = view.safeNowMs >= epoch.supersededAtMs + EPOCH_CAP_MS
  if (epoch.openGap) return capped ? 'cap' : 'kept'
  const extendable = epoch.hasAddKey && fateOf(epoch.freshAboveAtMs, view) === 'kept'
  return extendable && !capped ? 'kept' : 'done'
}

/** The superseded epoch that goes first where there are too many: the one superseded longest. */
function compareAge(a: RetainedEpoch, b: RetainedEpoch): number {
  return a.supersededAtMs - b.supersededAtMs || a.lamport - b.lamport
}

export function judgeRetention(view: RetentionView): RetentionVerdict {
  const drop: DroppedEpoch[] = []
  const kept: RetainedEpoch[] = []
  for (const epoch of view.epochs) {
    const fate = epochFate(epoch, view)
    if (fate === 'kept') kept.push(epoch)
    else drop.push({ opId: epoch.opId, why: fate })
  }
  const withChains = kept.filter(({ hasChains }) => hasChains)
  const surplus = withChains.length - EPOCHS_WITH_CHAINS_MAX
  const oldest = withChains.filter(({ supersededAtMs }) => supersededAtMs > 0).toSorted(compareAge)
  const gone = new Set(oldest.slice(0, Math.max(0, surplus)))
  for (const { opId } of gone) drop.push({ opId, why: 'count' })
  const left = kept.filter((epoch) => !gone.has(epoch))
  const lineages = new Map(view.epochs.map((epoch) => [keyOf(epoch.lineage), epoch.lineage]))
  for (const { lineage } of left) lineages.delete(keyOf(lineage))
  return {
    drop,
    dropAddKeys: left
      .filter((epoch) => epoch.hasAddKey && fateOf(epoch.freshAboveAtMs, view) !== 'kept')
      .map(({ opId }) => opId),
    dropLineages: [...lineages.values()],
  }
}

function keyOf(id: Bytes32): string {
  return id.join()
}
