// Carrying out what retention decides (SPEC.md §20.6), some rows a turn.
import { type Bytes32, equalBytes, readU16, toHex } from '../../crypto/index.ts'
import { EPOCH_SWEEP_ROWS } from '../group-limits.ts'
import { type Step, type Turn, get, range } from '../step.ts'
import { recipientsOf, removeRecipients, settleRecipients } from './epoch-recipients.ts'
import type { EpochRecord } from './epoch-record.ts'
import { type DroppedEpoch, judgeRetention } from './epoch-retention.ts'
import {
  chains,
  epochTags,
  groupSkipped,
  lineageTags,
  lineages,
  skippedCounts,
} from './epoch-tables.ts'
import { dropEpoch, epochsOf, putEpoch } from './held-epochs.ts'
import { putChains } from './keep-epoch.ts'

/** An epoch above others was kept: they are superseded from now on. */
export function* supersedeEpochs(
  turn: Turn,
  group: Bytes32,
  by: { readonly fresh: boolean; readonly isPast: (opId: Bytes32) => boolean },
): Step<void> {
  for (const epoch of yield* epochsOf(turn, group)) {
    // Most are already: one for each member that was added.
    if (epoch.supersededAtMs > 0 && (!by.fresh || epoch.freshAboveAtMs > 0)) continue
    if (!by.isPast(epoch.opId)) continue
    const supersededAtMs = epoch.supersededAtMs || turn.safeNowMs
    const freshAboveAtMs = epoch.freshAboveAtMs || (by.fresh ? turn.safeNowMs : 0)
    if (supersededAtMs === epoch.supersededAtMs && freshAboveAtMs === epoch.freshAboveAtMs) continue
    yield* putEpoch(turn, { ...epoch, supersededAtMs, freshAboveAtMs })
  }
}

export interface SweepRequest {
  readonly group: Bytes32
  /** As in RetentionView. */
  readonly drainedAtMs: number
  /** Whether the log misses entries that may still come under this epoch. */
  readonly openGap: (opId: Bytes32) => boolean
  /** Since when this device is out of the group: all count as superseded by then. 0: it is in. */
  readonly outSinceMs: number
}

export interface SweptEpochs {
  readonly dropped: readonly (DroppedEpoch & {
    /** Seeds of messages that were passed and never came: what is lost with a cap. */
    readonly skipped: number
  })[]
  /** Another turn is needed. */
  readonly more: boolean
}

interface Removed {
  /** Seeds that were passed and never came. */
  readonly skipped: number
  readonly rows: number
}

/** Removes an epoch's rows; undefined where another turn is needed. */
function* removeEpoch(turn: Turn, epoch: EpochRecord): Step<Removed | undefined> {
  const { group, opId } = epoch
  const seeds = yield* range(groupSkipped, { owner: opId, limit: EPOCH_SWEEP_ROWS })
  for (const { value } of seeds) {
    const { devIdx, ctr } = value
    turn.remove(groupSkipped, { opId, devIdx, ctr })
  }
  const before = (yield* get(skippedCounts, group)) ?? 0
  if (seeds.length > 0) turn.put(skippedCounts, group, Math.max(0, before - seeds.length))
  if (seeds.length === EPOCH_SWEEP_ROWS) return undefined
  // Only those that there are: of most epochs that were made by adding somebody no chain moved.
  const moved = yield* range(chains, { owner: opId, limit: epoch.recipientCount })
  for (const { order } of moved) turn.remove(chains, { opId, devIdx: rankOf(order) })
  removeRecipients(turn, epoch)
  turn.remove(epochTags, { tag: epoch.tag, opId })
  yield* dropEpoch(turn, { group, opId })
  return { skipped: seeds.length, rows: seeds.length + moved.length + EPOCH_ROWS }
}

/** Rows of an epoch beside its chains: its own, its tag, its recipients. */
const EPOCH_ROWS = 3

function rankOf(order: Uint8Array): number {
  return readU16(order, 0)
}

/** The epochs that extend `parent` write their chains where those have not moved, and drop E. */
function* settleDerived(
  turn: Turn,
  all: readonly EpochRecord[],
  parent: Bytes32,
  isGoing: (opId: Bytes32) => boolean,
): Step<readonly EpochRecord[]> {
  const settled: EpochRecord[] = []
  for (const epoch of all) {
    if (epoch.secret === undefined || !equalBytes(epoch.parent, parent)) continue
    // Its keys would be written only to be removed.
    if (isGoing(epoch.opId)) continue
    const { opId, secret } = epoch
    const recipients = yield* recipientsOf(epoch)
    settleRecipients(turn, opId, recipients)
    const moved = yield* range(chains, { owner: opId, limit: epoch.recipientCount })
    putChains(turn, opId, secret, recipients)
    for (const { value, order } of moved) {
      turn.put(chains, { opId, devIdx: rankOf(order) }, value)
    }
    const without = { ...epoch, secret: undefined }
    yield* putEpoch(turn, without)
    settled.push(without)
  }
  return settled
}

/** Deletes what nothing can need any more, and what a bound takes, of one group. */
export function* sweepEpochs(turn: Turn, request: SweepRequest): Step<SweptEpochs> {
  const { group, drainedAtMs, openGap, outSinceMs } = request
  let all = yield* epochsOf(turn, group)
  const verdict = judgeRetention({
    safeNowMs: turn.safeNowMs,
    drainedAtMs,
    epochs: all.map((epoch) => ({
      opId: epoch.opId,
      lineage: epoch.lineage,
      lamport: epoch.lamport,
      hasChains: epoch.secret === undefined,
      hasAddKey: epoch.addKey !== undefined,
      supersededAtMs: epoch.supersededAtMs || outSinceMs,
      freshAboveAtMs: epoch.freshAboveAtMs || outSinceMs,
      openGap: openGap(epoch.opId),
    })),
  })
  const find = (opId: Bytes32): EpochRecord | undefined =>
    all.find((epoch) => equalBytes(epoch.opId, opId))
  const replace = (changed: EpochRecord): void => {
    all = all.map((epoch) => (equalBytes(epoch.opId, changed.opId) ? changed : epoch))
  }
  const going = new Set(verdict.drop.map(({ opId }) => toHex(opId)))
  const isGoing = (opId: Bytes32): boolean => going.has(toHex(opId))
  // Before what they extend goes: who gets them is written down there.
  const withoutAddKey = [...verdict.dropAddKeys, ...verdict.drop.map(({ opId }) => opId)]
  let rows = 0
  for (const opId of withoutAddKey) {
    if (rows >= EPOCH_SWEEP_ROWS) return { dropped: [], more: true }
    for (const epoch of yield* settleDerived(turn, all, opId, isGoing)) {
      replace(epoch)
      rows += epoch.recipientCount
    }
    const epoch = isGoing(opId) ? undefined : find(opId)
    if (epoch !== undefined) {
      const without = { ...epoch, addKey: undefined }
      yield* putEpoch(turn, without)
      replace(without)
    }
  }
  const dropped: (DroppedEpoch & { readonly skipped: number })[] = []
  // An epoch before what it extends: who gets it is written down there.
  const lamportOf = ({ opId }: DroppedEpoch): number => find(opId)?.lamport ?? 0
  for (const gone of verdict.drop.toSorted((a, b) => lamportOf(b) - lamportOf(a))) {
    const epoch = find(gone.opId)
    if (epoch === undefined) continue
    if (rows >= EPOCH_SWEEP_ROWS) return { dropped, more: true }
    const removed = yield* removeEpoch(turn, epoch)
    if (removed === undefined) return { dropped, more: true }
    dropped.push({ ...gone, skipped: removed.skipped })
    rows += removed.rows
    all = all.filter((other) => other !== epoch)
  }
  for (const opId of verdict.dropLineages) {
    const lineage = yield* get(lineages, { group, opId })
    if (lineage === undefined) continue
    turn.remove(lineages, { group, opId })
    turn.remove(lineageTags, { tag: lineage.tag, opId })
  }
  return { dropped, more: false }
}
