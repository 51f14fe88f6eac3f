// Repair (SPEC.md §20.8, R1 to R7): when a device without a key asks, and who of those with one
// helps, in an order that all compute alike, so that one acts and the others see it. A pure decision.
import { type Bytes32, compareBytes } from '../../crypto/index.ts'
import {
  MERGES_PER_HOUR,
  MERGE_WINDOW_MS,
  REFRESH_DEVICES_MAX,
  REFRESH_INTERVAL_MS,
  REPAIR_JITTER_MS,
  REPAIR_STEP_END_MS,
  REPAIR_STEP_MS,
  REPAIR_WAIT_MS,
  ROTATE_AGE_MS,
  ROTATE_ENTRIES,
  SEED_ANSWER_INTERVAL_MS,
  SEED_ASK_MAX_MS,
  SEED_ASK_OTHERS_MS,
} from '../group-limits.ts'

/** min(500 ms x rank, 60 s) and up to 500 ms; `jitter` is uniform in 0 to 1. */
export function repairDelayMs(rank: number, jitter: number): number {
  return Math.min(REPAIR_STEP_MS * rank, REPAIR_STEP_END_MS) + Math.floor(jitter * REPAIR_JITTER_MS)
}

/** An operation whose seed did not come. */
export interface MissingSeed {
  readonly opId: Bytes32
  /** Since when the operation is known here, guarded clock, Unix ms. */
  readonly sinceMs: number
  /** Questions so far: the first went to the author. */
  readonly asks: number
  readonly askedAtMs: number
}

/** A recipient that asked for a secret which is kept nowhere: a refresh gives it another. */
export interface OwedRefresh {
  readonly device: Bytes32
  readonly sinceMs: number
  /** This device wrote the operation: it helps at once. */
  readonly isAuthor: boolean
}

export interface RepairView {
  readonly nowMs: number
  /** The own delay for the present heads. */
  readonly delayMs: number
  readonly missingSeeds: readonly MissingSeed[]
  readonly owed: readonly OwedRefresh[]
  /** Since when there is no epoch to send in; undefined: there is one. */
  readonly noUsableSinceMs: number | undefined
  /** An epoch that is held and has members only; what a refresh extends. */
  readonly withinMembers: Bytes32 | undefined
  /** Since when the epoch to send in lacks members, and which. */
  readonly subsetSinceMs: number | undefined
  readonly missingMembers: readonly Bytes32[]
  readonly heads: number
  /** When a leave or a revoking devices operation was seen that no fresh one followed. */
  readonly departureSinceMs: number | undefined
  /** When the newest fresh operation was seen. */
  readonly freshSeenMs: number
  /** Entries since it, and when the last of them came. */
  readonly entriesSinceFresh: number
  /** Since when a rotation by R5 has been due; the first call says undefined. */
  readonly rotationDueSinceMs: number | undefined
  readonly lastRefreshMs: number
  /** When this device merged, the latest three. */
  readonly mergesMs: readonly number[]
}

export type Repair =
  /** R1: ask the operation's author. */
  | { readonly kind: 'askAuthor'; readonly opId: Bytes32; readonly atMs: number }
  /** R1: ask two more devices, the `round`th two. */
  | {
      readonly kind: 'askOthers'
      readonly opId: Bytes32
      readonly round: number
      readonly atMs: number
    }
  /** R1, R2, R3: extend `extend` to these devices, at most 16 at a time. */
  | {
      readonly kind: 'refresh'
      readonly extend: Bytes32
      readonly devices: readonly Bytes32[]
      readonly atMs: number
    }
  /** R2: a fresh epoch for everybody: a merge of several heads, a rotate on one. */
  | { readonly kind: 'merge' | 'rotate'; readonly atMs: number }

/** The author at once; then two at a time, one after the other and round again, for as long as it lacks. */
function askForSeeds(view: RepairView): readonly Repair[] {
  return view.missingSeeds.map(({ opId, sinceMs, asks, askedAtMs }): Repair => {
    if (asks === 0) return { kind: 'askAuthor', opId, atMs: sinceMs }
    const waitMs = Math.min(SEED_ASK_MAX_MS, SEED_ASK_OTHERS_MS * 2 ** Math.min(asks - 1, 16))
    return { kind: 'askOthers', opId, round: asks - 1, atMs: askedAtMs + waitMs }
  })
}

/** R1 at a holder: who asked for what nobody keeps is refreshed, by one of those that it asked. */
function helpAskers(view: RepairView): readonly Repair[] {
  const { owed, withinMembers, delayMs } = view
  if (withinMembers === undefined || owed.length === 0) return []
  const dueOf = (one: OwedRefresh): number => one.sinceMs + (one.isAuthor ? 0 : delayMs)
  const dueMs = Math.min(...owed.map(dueOf))
  const devices = owed.map(({ device }) => device).toSorted(compareBytes)
  return [extendTo(view, withinMembers, devices, dueMs)]
}

/** When this device may merge again: at most three times in an hour. */
function mergeAllowedMs({ mergesMs }: RepairView): number {
  const latest = mergesMs.toSorted((a, b) => b - a)
  const third = latest[MERGES_PER_HOUR - 1]
  return third === undefined ? 0 : third + MERGE_WINDOW_MS
}

function renewAll(view: RepairView, dueMs: number): Repair {
  return {
    kind: view.heads > 1 ? 'merge' : 'rotate',
    atMs: Math.max(dueMs, mergeAllowedMs(view)),
  }
}

function extendTo(
  view: RepairView,
  extend: Bytes32,
  lacking: readonly Bytes32[],
  dueMs: number,
): Repair {
  const devices = lacking.slice(0, REFRESH_DEVICES_MAX)
  const atMs = Math.max(dueMs, view.lastRefreshMs + REFRESH_INTERVAL_MS)
  return { kind: 'refresh', extend, devices, atMs }
}

/** R2 and R3: nothing to send in, or something that lacks members. */
function restoreSending(view: RepairView): readonly Repair[] {
  const { noUsableSinceMs, subsetSinceMs, withinMembers, delayMs, missingMembers } = view
  if (noUsableSinceMs !== undefined) {
    const dueMs = noUsableSinceMs + REPAIR_WAIT_MS + delayMs
    if (withinMembers === undefined || missingMembers.length === 0) return [renewAll(view, dueMs)]
    return [extendTo(view, withinMembers, missingMembers, dueMs)]
  }
  if (subsetSinceMs === undefined || withinMembers === undefined) return []
  if (missingMembers.length === 0) return []
  const dueMs = subsetSinceMs + REPAIR_WAIT_MS + delayMs
  return [extendTo(view, withinMembers, missingMembers, dueMs)]
}

/** R5: whether the newest fresh epoch is old and in use. */
export function isRotationDue(
  view: Pick<RepairView, 'nowMs' | 'freshSeenMs' | 'entriesSinceFresh'>,
): boolean {
  const isOld = view.nowMs - view.freshSeenMs > ROTATE_AGE_MS
  return (isOld && view.entriesSinceFresh > 0) || view.entriesSinceFresh > ROTATE_ENTRIES
}

/** R4 and R5: somebody left, or the epoch is old and in use. */
function rotateInTime(view: RepairView): readonly Repair[] {
  const due: number[] = []
  if (view.departureSinceMs !== undefined) due.push(view.departureSinceMs)
  if (isRotationDue(view)) due.push(view.rotationDueSinceMs ?? view.nowMs)
  if (due.length === 0) return []
  return [{ kind: 'rotate', atMs: Math.min(...due) + view.delayMs }]
}

/**
 * What this device will do and when, if nothing changes: to be asked again at each change and at the
 * earliest time. Several heads alone are no reason to act: the next operation cites them all (R6).
 */
export function repairsOf(view: RepairView): readonly Repair[] {
  const sending = restoreSending(view)
  const renews = sending.some(({ kind }) => kind === 'merge' || kind === 'rotate')
  const inTime = renews ? [] : rotateInTime(view)
  return [...askForSeeds(view), ...helpAskers(view), ...sending, ...inTime]
}

/** R7: whether a seed-request of one device for one operation is answered now. */
export function answersSeedRequest(lastAnswerMs: number | undefined, nowMs: number): boolean {
  return lastAnswerMs === undefined || nowMs - lastAnswerMs >= SEED_ANSWER_INTERVAL_MS
}
