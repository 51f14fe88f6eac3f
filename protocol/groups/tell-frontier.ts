// Telling a group what this device holds (SPEC.md §21): one signed control object that the relays keep
// in place of our last, at an interval that grows with the group, and only where something changed.
import { type Bytes32, concat, EMPTY, equalBytes } from '../../crypto/index.ts'
import {
  type CarriagePosition,
  groupFrontierFrame,
  type IndexedCount,
} from '../content/group-frontier.ts'
import { epochs } from '../epochs/epoch-tables.ts'
import { groupEpoch } from '../membership/group-epochs.ts'
import {
  FRONTIER_ASKED_MEMBERS,
  FRONTIER_COUNTS_MAX,
  FRONTIER_FULL_EVERY,
  FRONTIER_MAX_MS,
  FRONTIER_OP_HEADS_MAX,
  FRONTIER_SETTLE_MS,
  FRONTIER_STEP_MS,
} from '../group-limits.ts'
import { authorFrontier } from '../log/frontier.ts'
import { conversationFacts } from '../log/read.ts'
import { profile } from '../profile.ts'
import { encodeRecord, readRecord } from '../record.ts'
import { chainMark } from '../relay/group-chain.ts'
import { type Step, type Table, type Turn, get } from '../step.ts'
import { boxesOf } from './boxes.ts'
import { sendableEpoch } from './carry.ts'
import type { Membership } from './membership.ts'
import { noteOwnControl, ownControl, signOwnControl, waitingControls } from './own-control.ts'

/** What our last frontiers said of a device's entries. */
interface Told {
  readonly n: number
  readonly readN: number
}

const told: Table<{ gid: Bytes32; device: Bytes32 }, Told> = {
  name: 'group-told',
  sealing: 'value',
  place: ({ gid, device }) => ({ owner: concat(gid, device), order: EMPTY }),
  encode: ({ n, readN }) => encodeRecord([n, readN]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'told frontier')
    return { n: fields.uint('n'), readN: fields.uint('readN') }
  },
}

/** A device asks what is held of it: the next frontier says so, though one before it did. */
export function tellAgain(turn: Turn, gid: Bytes32, device: Bytes32): void {
  turn.remove(told, { gid, device })
}

/** 30 s for each ten members, at most five minutes. */
function intervalMs(members: Membership): number {
  return Math.min(FRONTIER_MAX_MS, FRONTIER_STEP_MS * Math.ceil(members.view.memberCount / 10))
}

/** Tells what changed when it is time to; when to look again, guarded clock. */
export function* tellFrontier(turn: Turn, members: Membership): Step<number | undefined> {
  const { gid } = members
  if (members.devices.length < 2) return undefined
  const own = yield* ownControl(gid)
  const facts = yield* conversationFacts(turn, gid)
  const held = facts?.entries ?? 0
  const seen = facts?.position ?? 0
  const isAsked = own.frontierAskedMs > own.frontierAtMs
  const isChanged = held !== own.frontierEntries || seen !== own.frontierPosition
  const isWanted = isAsked || members.view.memberCount <= FRONTIER_ASKED_MEMBERS
  if (!(isChanged || isAsked) || !isWanted) return undefined
  const sinceMs = own.frontierChangedMs || turn.safeNowMs
  const dueMs = isAsked
    ? own.frontierAskedMs
    : Math.max(sinceMs + FRONTIER_SETTLE_MS, own.frontierAtMs + intervalMs(members))
  if (dueMs > turn.safeNowMs) {
    if (own.frontierChangedMs === 0) {
      yield* noteOwnControl(turn, gid, { frontierChangedMs: sinceMs })
    }
    return dueMs
  }
  const target = yield* sendableEpoch(turn, members)
  if (target === undefined) return undefined
  yield* queueFrontier(turn, members, target.opId, { held, seen })
  return undefined
}

function* queueFrontier(
  turn: Turn,
  members: Membership,
  opId: Bytes32,
  { held, seen }: { readonly held: number; readonly seen: number },
): Step<void> {
  const { gid } = members
  const own = yield* ownControl(gid)
  // A relay keeps the newest alone: who reads it now and then would never see what one before it said.
  const isSmall = members.view.memberCount <= FRONTIER_ASKED_MEMBERS
  const all = isSmall || own.frontiers % FRONTIER_FULL_EVERY === 0
  const { counts, reads, more } = yield* changedCounts(turn, members, opId, all)
  const mine = yield* authorFrontier(turn, gid, turn.self.device)
  const frontier = {
    opId,
    ownN: mine?.headN ?? 0,
    held: counts,
    read: reads,
    carriage: yield* positions(members, opId),
    heads: members.dag.namedHeads(FRONTIER_OP_HEADS_MAX).map(({ id }) => id),
  }
  const frame = yield* signOwnControl(turn, gid, groupFrontierFrame, frontier, {
    frontiers: own.frontiers + 1,
    frontierAtMs: turn.safeNowMs,
    frontierChangedMs: 0,
    // What found no room is still to be told.
    frontierEntries: more ? own.frontierEntries : held,
    frontierPosition: more ? own.frontierPosition : seen,
  })
  turn.put(waitingControls, { gid, kind: frame.kind }, { frame })
  turn.effect({ kind: 'group', gid })
}

interface ChangedCounts {
  readonly counts: readonly IndexedCount[]
  readonly reads: readonly IndexedCount[]
  /** Not all that changed found room. */
  readonly more: boolean
}

/** Counts of other devices that differ from what was told, or all of them; by their rank. */
function* changedCounts(
  turn: Turn,
  { gid, dag }: Membership,
  opId: Bytes32,
  all: boolean,
): Step<ChangedCounts> {
  const { readReceipts } = yield* profile()
  const counts: IndexedCount[] = []
  const reads: IndexedCount[] = []
  let more = false
  const recipients = groupEpoch(dag, opId)?.recipients() ?? []
  for (const [devIdx, device] of recipients.entries()) {
    if (equalBytes(device, turn.self.device)) continue
    const frontier = yield* authorFrontier(turn, gid, device)
    const n = frontier?.n ?? 0
    const readN = readReceipts ? (frontier?.readN ?? 0) : 0
    const before = (yield* get(told, { gid, device })) ?? { n: 0, readN: 0 }
    const isChanged = n !== before.n || readN !== before.readN
    if (counts.length + reads.length + 2 > FRONTIER_COUNTS_MAX) {
      more ||= isChanged
      continue
    }
    if (n !== before.n || (all && n > 0)) counts.push({ devIdx, n })
    if (readN !== before.readN || (all && readN > 0)) reads.push({ devIdx, n: readN })
    if (isChanged) turn.put(told, { gid, device }, { n, readN })
  }
  return { counts, reads, more }
}

/** How far each mailbox of the epoch's lineage was read. */
function* positions(
  { gid, writtenRelays }: Membership,
  opId: Bytes32,
): Step<readonly CarriagePosition[]> {
  const lineage = (yield* get(epochs, { group: gid, opId }))?.lineage
  const rows: CarriagePosition[] = []
  for (const box of yield* boxesOf(gid)) {
    const relay = writtenRelays.findIndex((one) => equalBytes(one.serviceKey, box.serviceKey))
    if (lineage === undefined || !equalBytes(box.lineage, lineage)) continue
    if (relay < 0 || box.cursor === undefined) continue
    const { incarnation, seq, chain } = box.cursor
    rows.push({ relay, incarnation, seq, chain: chainMark(chain) })
  }
  return rows
}
