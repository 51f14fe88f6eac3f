// Deleting what a group needs no more (SPEC.md §20.6, §21): keys of epochs whose time is over, then the
// mailboxes of lineages that went with them. Nothing goes by time alone: every mailbox must have been
// read to its end since.
import { type Bytes32, toHex } from '../../crypto/index.ts'
import { lineagesOf } from '../epochs/held-lineages.ts'
import { causalEpochs } from '../epochs/group-cipher.ts'
import { EPOCH_KEEP_MS } from '../group-limits.ts'
import { gapsOf } from '../log/frontier.ts'
import { type Step, type Turn } from '../step.ts'
import { boxAt, boxesOf, dropBox, type GroupBox, putBox } from './boxes.ts'
import { groupOf } from './group.ts'
import { membershipOf } from './membership.ts'
import { isFor } from './owed-refreshes.ts'
import { dropExpiredHeld } from './passed-over.ts'

/** Sweeps one group; `ownDrainedMs`: when this device's own mailboxes were last all read. More is left? */
export function* sweepGroup(turn: Turn, gid: Bytes32, ownDrainedMs: number): Step<boolean> {
  const boxes = yield* boxesOf(gid)
  // A mailbox that was left for as long as it keeps anything holds nothing of ours any more.
  const listed = boxes.filter(
    ({ closedAtMs }) => closedAtMs === 0 || turn.safeNowMs - closedAtMs < EPOCH_KEEP_MS,
  )
  const drainedAtMs = Math.min(ownDrainedMs, ...listed.map((box) => box.drainedAtMs))
  const gaps = (yield* gapsOf(turn, gid)).filter(({ irretrievable }) => !irretrievable)
  const members = yield* membershipOf(turn, gid)
  const swept = yield* causalEpochs.sweep(turn, {
    group: gid,
    drainedAtMs,
    openGap: (opId) =>
      gaps.some(({ author }) => members === undefined || isFor(members, opId, author)),
    outSinceMs: yield* outSince(gid, boxes),
  })
  const lost = swept.dropped.filter(({ why, skipped }) => why !== 'done' && skipped > 0)
  if (lost.length > 0) {
    const count = lost.reduce((sum, { skipped }) => sum + skipped, 0)
    turn.change({
      kind: 'warning',
      code: 'GROUP_KEYS_EXPIRED',
      text: `Keys of a group were given up after 90 days: ${count} messages that never came cannot be read by them any more.`,
    })
  }
  const expired = yield* dropExpiredHeld(turn, gid)
  if (expired > 0) {
    turn.change({
      kind: 'warning',
      code: 'GROUP_HELD_EXPIRED',
      text: `${expired} messages of a group that waited for a key for 90 days were given up: what they said is lost, unless its author or another member still has it.`,
    })
  }
  const kept = new Set((yield* lineagesOf(gid)).map(({ opId }) => toHex(opId)))
  for (const box of boxes) if (!kept.has(toHex(box.lineage))) dropBox(turn, box)
  return swept.more
}

/** Since when one is out of a group and wrote its last into its mailboxes; 0: one is in, or about to be. */
function* outSince(gid: Bytes32, boxes: readonly GroupBox[]): Step<number> {
  const standing = (yield* groupOf(gid))?.standing
  if (standing !== 'left' && standing !== 'removed') return 0
  if (boxes.some(({ closedAtMs }) => closedAtMs === 0)) return 0
  return Math.max(0, ...boxes.map(({ closedAtMs }) => closedAtMs))
}

/** A mailbox is followed, and all that is in it was read: that holds now. */
export function* noteStillDrained(
  turn: Turn,
  key: Pick<GroupBox, 'gid' | 'lineage' | 'serviceKey'>,
): Step<void> {
  const box = yield* boxAt(key)
  if (box !== undefined) putBox(turn, { ...box, drainedAtMs: turn.safeNowMs })
}
