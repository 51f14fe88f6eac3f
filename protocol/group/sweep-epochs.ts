// Carrying out what retention decides (SPEC.md §20.6), some rows a turn.
import { type Bytes32, equalBytes } from '../../crypto/index.ts'
import { EPOCH_SWEEP_ROWS, RECIPIENTS_PAGE_DEVICES } from '../limits.ts'
import { type Step, type Turn, get, range } from '../step.ts'
import { epochsOf, recipientsOf } from './epoch-chains.ts'
import type { EpochRecord } from './epoch-record.ts'
import { type DroppedEpoch, judgeRetention } from './epoch-retention.ts'
import {
  chains,
  epochTags,
  epochs,
  groupSkipped,
  lineageTags,
  lineages,
  recipientPages,
  skippedCounts,
} from './epoch-tables.ts'
import { putChains } from './keep-epoch.ts'

/** An epoch above others was kept: they are superseded from now on. */
export function* supersedeEpochs(
  turn: Turn,
  group: Bytes32,
  by: { readonly fresh: boolean; readonly isPast: (opId: Bytes32) => boolean },
): Step<void> {
  for (const epoch of yield* epochsOf(group)) {
    if (!by.isPast(epoch.opId)) continue
    const supersededAtMs = epoch.supersededAtMs || turn.safeNowMs
    const freshAboveAtMs = epoch.freshAboveAtMs || (by.fresh ? turn.safeNowMs : 0)
    if (supersededAtMs === epoch.supersededAtMs && freshAboveAtMs === epoch.freshAboveAtMs) continue
    turn.put(epochs, { group, opId: epoch.opId }, { ...epoch, supersededAtMs, freshAboveAtMs })
  }
}

export interface SweepRequest {
  readonly group: Bytes32
  /** As in RetentionView. */
  readonly drainedAtMs: number
  /** Whether the log misses entries that may still come under this epoch. */
  readonly openGap: (opId: Bytes32) => boolean
}

export interface SweptEpochs {
  readonly dropped: readonly (DroppedEpoch & {
    /** Seeds of messages that were passed and never came: what is lost with a cap. */
    readonly skipped: number
  })[]
  /** Another turn is needed. */
  readonly more: boolean
}

/** Removes an epoch's rows; undefined where another turn is needed, else its skipped seeds. */
function* removeEpoch(turn: Turn, epoch: EpochRecord): Step<number | undefined> {
  const { group, opId } = epoch
  const seeds = yield* range(groupSkipped, { owner: opId, limit: EPOCH_SWEEP_ROWS })
  for (const { value } of seeds) {
    const { devIdx, ctr } = value
    turn.remove(groupSkipped, { opId, devIdx, ctr })
  }
  const before = (yield* get(skippedCounts, group)) ?? 0
  if (seeds.length > 0) turn.put(skippedCounts, group, Math.max(0, before - seeds.length))
  if (seeds.length === EPOCH_SWEEP_ROWS) return undefined
  for (let devIdx = 0; devIdx < epoch.recipientCount; devIdx++)
    turn.remove(chains, { opId, devIdx })
  for (let page = 0; page * RECIPIENTS_PAGE_DEVICES < epoch.recipientCount; page++) {
    turn.remove(recipientPages, { opId, page })
  }
  turn.remove(epochTags, { tag: epoch.tag, opId })
  turn.remove(epochs, { group, opId })
  return seeds.length
}

/** The epochs that extend `parent` write their chains where those have not moved, and drop E. */
function* settleDerived(
  turn: Turn,
  all: readonly EpochRecord[],
  parent: Bytes32,
): Step<readonly EpochRecord[]> {
  const settled: EpochRecord[] = []
  for (const epoch of all) {
    if (epoch.secret === undefined || !equalBytes(epoch.parent, parent)) continue
    const { opId, secret, group } = epoch
    const moved = yield* range(chains, { owner: opId, limit: epoch.recipientCount })
    putChains(turn, opId, secret, yield* recipientsOf(epoch))
    for (const { value, order } of moved) {
      turn.put(chains, { opId, devIdx: ((order[0] ?? 0) << 8) | (order[1] ?? 0) }, value)
    }
    const without = { ...epoch, secret: undefined }
    turn.put(epochs, { group, opId }, without)
    settled.push(without)
  }
  return settled
}

/** Deletes what nothing can need any more, and what a bound takes, of one group. */
export function* sweepEpochs(turn: Turn, request: SweepRequest): Step<SweptEpochs> {
  const { group, drainedAtMs, openGap } = request
  let all = yield* epochsOf(group)
  const verdict = judgeRetention({
    safeNowMs: turn.safeNowMs,
    drainedAtMs,
    epochs: all.map((epoch) => ({
      opId: epoch.opId,
      lineage: epoch.lineage,
      lamport: epoch.lamport,
      hasChains: epoch.secret === undefined,
      hasAddKey: epoch.addKey !== undefined,
      supersededAtMs: epoch.supersededAtMs,
      freshAboveAtMs: epoch.freshAboveAtMs,
      openGap: openGap(epoch.opId),
    })),
  })
  const find = (opId: Bytes32): EpochRecord | undefined =>
    all.find((epoch) => equalBytes(epoch.opId, opId))
  const replace = (changed: EpochRecord): void => {
    all = all.map((epoch) => (equalBytes(epoch.opId, changed.opId) ? changed : epoch))
  }
  // What goes is not settled first: its keys would be written only to be removed.
  const dropped: (DroppedEpoch & { readonly skipped: number })[] = []
  for (const gone of verdict.drop) {
    const epoch = find(gone.opId)
    if (epoch === undefined) continue
    const skipped = yield* removeEpoch(turn, epoch)
    if (skipped === undefined) return { dropped, more: true }
    dropped.push({ ...gone, skipped })
    all = all.filter((other) => other !== epoch)
  }
  const withoutAddKey = [...verdict.dropAddKeys, ...verdict.drop.map(({ opId }) => opId)]
  for (const opId of withoutAddKey) {
    for (const epoch of yield* settleDerived(turn, all, opId)) replace(epoch)
    const epoch = find(opId)
    if (epoch !== undefined) {
      const without = { ...epoch, addKey: undefined }
      turn.put(epochs, { group, opId }, without)
      replace(without)
    }
  }
  for (const opId of verdict.dropLineages) {
    const lineage = yield* get(lineages, { group, opId })
    if (lineage === undefined) continue
    turn.remove(lineages, { group, opId })
    turn.remove(lineageTags, { tag: lineage.tag, opId })
  }
  return { dropped, more: false }
}
