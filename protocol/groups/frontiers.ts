// What members hold of a group's log (SPEC.md §21): each device's own word is evidence for itself, and
// a hint about others. So an entry of ours is delivered when a device of another member says that it
// holds it, and a tail that was lost shows by its author's own number.
import { type Bytes32, concat, EMPTY, equalBytes, readU16 } from '../../crypto/index.ts'
import type { FrontierRequest, GroupFrontier } from '../content/group-frontier.ts'
import { addGroupEvidence } from '../delivery/evidence.ts'
import { FRONTIER_ANSWER_SPREAD_MS, FRONTIER_ANSWERS, FRONTIER_MAX_MS } from '../group-limits.ts'
import { authorFrontier, firstAt, noteHead } from '../log/frontier.ts'
import { encodeRecord, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get } from '../step.ts'
import { groupEpoch } from '../membership/group-epochs.ts'
import type { Membership } from './membership.ts'
import { noteOwnControl, ownControl } from './own-control.ts'
import { noteHeads } from './unknown-heads.ts'

/** How far a member's device says it holds, and its user read, our own entries. */
export interface Coverage {
  readonly n: number
  readonly readN: number
  readonly atMs: number
}

const coverage: Table<{ gid: Bytes32; device: Bytes32 }, Coverage> = {
  name: 'group-coverage',
  sealing: 'value',
  place: ({ gid, device }) => ({ owner: concat(gid, device), order: EMPTY }),
  encode: ({ n, readN, atMs }) => encodeRecord([n, readN, atMs]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'coverage')
    return { n: fields.uint('n'), readN: fields.uint('readN'), atMs: fields.uint('at') }
  },
}

/** How far our own entries are held, and read, by any device of another member. */
interface Reached {
  /** As far as it is shown of each entry. */
  readonly n: number
  readonly readN: number
  /** As far as it was said: what is above is shown in turns to come. */
  readonly saidN: number
  readonly saidReadN: number
}

const NOTHING_REACHED: Reached = { n: 0, readN: 0, saidN: 0, saidReadN: 0 }

const reached: Table<Bytes32, Reached> = {
  name: 'group-reached',
  sealing: 'value',
  place: (gid) => ({ owner: gid, order: EMPTY }),
  encode: ({ n, readN, saidN, saidReadN }) => encodeRecord([n, readN, saidN, saidReadN]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'reached')
    const [n, readN] = [fields.uint('n'), fields.uint('readN')]
    // What earlier builds wrote ends here.
    if (fields.left === 0) return { n, readN, saidN: n, saidReadN: readN }
    return { n, readN, saidN: fields.uint('saidN'), saidReadN: fields.uint('saidReadN') }
  },
}

export function* coverageOf(gid: Bytes32, device: Bytes32): Step<Coverage | undefined> {
  return yield* get(coverage, { gid, device })
}

/** Up to where our own entries are known to be held by a device of another member. */
export function* reachedN(gid: Bytes32): Step<number> {
  return (yield* get(reached, gid))?.n ?? 0
}

/** Entries whose evidence one turn changes at most: the next one goes on. */
const MARKS_MAX = 1_000

/** Takes what a device of a member says it holds. */
export function* takeFrontier(
  turn: Turn,
  members: Membership,
  device: Bytes32,
  frontier: GroupFrontier,
): Step<void> {
  const { gid } = members
  const account = members.accountOf(device)
  if (account === undefined) return
  yield* noteHead(turn, gid, device, frontier.ownN)
  const recipients = groupEpoch(members.dag, frontier.opId)?.recipients() ?? []
  const own = recipients.findIndex((one) => equalBytes(one, turn.self.device))
  const held = frontier.held.find(({ devIdx }) => devIdx === own)?.n ?? 0
  const read = frontier.read.find(({ devIdx }) => devIdx === own)?.n ?? 0
  if (!equalBytes(account, turn.self.account)) yield* noteReached(turn, gid, device, held, read)
  yield* noteHeads(turn, members, frontier.heads)
}

/**
 * A device of another member holds our entries up to n, and its user read them up to readN. Nobody
 * holds what is not written: a number above our last one counts as that.
 */
export function* noteReached(
  turn: Turn,
  gid: Bytes32,
  device: Bytes32,
  n: number,
  readN: number,
): Step<void> {
  const before = (yield* get(coverage, { gid, device })) ?? { n: 0, readN: 0, atMs: 0 }
  const written = (yield* authorFrontier(turn, gid, turn.self.device))?.headN ?? 0
  const next = {
    n: Math.max(before.n, Math.min(n, written)),
    readN: Math.max(before.readN, Math.min(readN, written)),
  }
  if (next.n === before.n && next.readN === before.readN) return
  turn.put(coverage, { gid, device }, { ...next, atMs: turn.nowMs })
  const all = (yield* get(reached, gid)) ?? NOTHING_REACHED
  const saidN = Math.max(all.saidN, next.n)
  turn.put(reached, gid, { ...all, saidN, saidReadN: Math.max(all.saidReadN, next.readN) })
  if (yield* settleReached(turn, gid)) turn.effect({ kind: 'group', gid })
}

/** Shows of up to a thousand entries what members said of them; whether there are more. */
export function* settleReached(turn: Turn, gid: Bytes32): Step<boolean> {
  const all = (yield* get(reached, gid)) ?? NOTHING_REACHED
  const { saidN, saidReadN } = all
  if (all.n >= saidN && all.readN >= saidReadN) return false
  const n = Math.min(saidN, all.n + MARKS_MAX)
  const readN = Math.min(saidReadN, all.readN + MARKS_MAX)
  for (let at = all.n + 1; at <= n; at++) yield* mark(turn, gid, at, 'heldAtMs')
  for (let at = all.readN + 1; at <= readN; at++) yield* mark(turn, gid, at, 'readAtMs')
  turn.put(reached, gid, { ...all, n: Math.max(all.n, n), readN: Math.max(all.readN, readN) })
  return n < saidN || readN < saidReadN
}

function* mark(turn: Turn, gid: Bytes32, n: number, what: 'heldAtMs' | 'readAtMs'): Step<void> {
  const own = yield* firstAt(gid, turn.self.device, n)
  if (own === undefined) return
  yield* addGroupEvidence(turn, own.id, (before) => ({
    ...before,
    closed: '',
    [what]: before[what] || turn.nowMs,
  }))
}

/**
 * A device asks what is held of an author, mostly of itself: then it says how far it wrote. About 16
 * devices answer, each within a minute, at a moment of its own, and not within five minutes after its
 * last frontier. That one may have come under keys that the asker lacks: so the answer waits, and is
 * not left out.
 */
export function* takeFrontierRequest(
  turn: Turn,
  members: Membership,
  device: Bytes32,
  { author, n }: FrontierRequest,
): Step<void> {
  const { gid } = members
  if (members.accountOf(device) === undefined) return
  if (equalBytes(author, device)) yield* noteHead(turn, gid, device, n)
  const own = yield* ownControl(gid)
  if (own.frontierAskedMs > own.frontierAtMs) return
  const chance = FRONTIER_ANSWERS / Math.max(1, members.devices.length - 1)
  if (readU16(turn.random(2), 0) / 0x1_0000 >= chance) return
  const spread = readU16(turn.random(2), 0) / 0x1_0000
  const earliestMs = own.frontierAtMs === 0 ? 0 : own.frontierAtMs + FRONTIER_MAX_MS
  const dueMs = Math.max(turn.safeNowMs, earliestMs)
  const frontierAskedMs = dueMs + Math.floor(spread * FRONTIER_ANSWER_SPREAD_MS)
  yield* noteOwnControl(turn, gid, { frontierAskedMs })
  turn.effect({ kind: 'group', gid })
}
