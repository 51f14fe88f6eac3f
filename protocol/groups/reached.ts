// How far members' devices say that they hold what this device wrote (SPEC.md §21.8), and what is shown of
// it. A frontier counts headers, and numbers below a newcomer's base, like entries: so a device's word is
// evidence only of what it may have. What was said while somebody was out is not delivered by its header.
import { type Bytes32, EMPTY, concat, equalBytes } from '../../crypto/index.ts'
import { type GroupEvidence, addGroupEvidence, evidence } from '../delivery/evidence.ts'
import { authorFrontier, firstAt } from '../log/frontier.ts'
import { heldEntry } from '../log/working.ts'
import { encodeRecord, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get, range } from '../step.ts'
import { isEntitled } from './entitled.ts'
import type { Membership } from './membership.ts'
import { standingIn } from './take-entry.ts'

/** How far a member's device says it holds, and its user read, our own entries. */
export interface Coverage {
  readonly n: number
  readonly readN: number
  readonly atMs: number
  /** Up to where that is shown of each entry: what is above is shown in turns to come. */
  readonly shownN: number
  readonly shownReadN: number
}

const NO_COVERAGE: Coverage = { n: 0, readN: 0, atMs: 0, shownN: 0, shownReadN: 0 }

const coverage: Table<{ gid: Bytes32; device: Bytes32 }, Coverage> = {
  name: 'group-coverage',
  sealing: 'value',
  place: ({ gid, device }) => ({ owner: concat(gid, device), order: EMPTY }),
  encode: ({ n, readN, atMs, shownN, shownReadN }) =>
    encodeRecord([n, readN, atMs, shownN, shownReadN]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'coverage')
    const said = { n: fields.uint('n'), readN: fields.uint('readN'), atMs: fields.uint('at') }
    // What earlier builds wrote ends here.
    if (fields.left === 0) return { ...said, shownN: 0, shownReadN: 0 }
    return { ...said, shownN: fields.uint('shownN'), shownReadN: fields.uint('shownReadN') }
  },
}

/** What is shown of our own entries, by whichever device. */
interface Reached {
  /** All of 1..n are shown as held, or read: nothing more is to be looked at there. */
  readonly n: number
  readonly readN: number
  /** The highest that is. */
  readonly topN: number
  readonly topReadN: number
}

const NOTHING_REACHED: Reached = { n: 0, readN: 0, topN: 0, topReadN: 0 }

const reached: Table<Bytes32, Reached> = {
  name: 'group-reached',
  sealing: 'value',
  place: (gid) => ({ owner: gid, order: EMPTY }),
  encode: ({ n, readN, topN, topReadN }) => encodeRecord([n, readN, topN, topReadN]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'reached')
    const [n, readN] = [fields.uint('n'), fields.uint('readN')]
    // What earlier builds wrote ends here.
    if (fields.left === 0) return { n, readN, topN: n, topReadN: readN }
    return { n, readN, topN: fields.uint('topN'), topReadN: fields.uint('topReadN') }
  },
}

/** Devices of which more is to be shown than one turn could. */
const due: Table<{ gid: Bytes32; device: Bytes32 }, Bytes32> = {
  name: 'group-reach-due',
  sealing: 'value',
  rows: 'few',
  place: ({ gid, device }) => ({ owner: gid, order: device }),
  encode: (device) => encodeRecord([device]),
  decode: (bytes) => readRecord(bytes, 'reach due').bytes('device', 32),
}

export function* coverageOf(gid: Bytes32, device: Bytes32): Step<Coverage | undefined> {
  return yield* get(coverage, { gid, device })
}

/** The last entry of ours that a device of another member is known to hold. */
export function* reachedN(gid: Bytes32): Step<number> {
  return (yield* get(reached, gid))?.topN ?? 0
}

/** Entries whose evidence one turn changes at most: the next one goes on. */
const MARKS_MAX = 1_000

/**
 * A device of another member holds our entries up to n, and its user read them up to readN. Nobody
 * holds what is not written: a number above our last one counts as that.
 */
export function* noteReached(
  turn: Turn,
  members: Membership,
  device: Bytes32,
  n: number,
  readN: number,
): Step<void> {
  const { gid } = members
  const before = (yield* get(coverage, { gid, device })) ?? NO_COVERAGE
  const written = (yield* authorFrontier(turn, gid, turn.self.device))?.headN ?? 0
  const next = {
    n: Math.max(before.n, Math.min(n, written)),
    readN: Math.max(before.readN, Math.min(readN, written)),
  }
  if (next.n === before.n && next.readN === before.readN) return
  turn.put(coverage, { gid, device }, { ...before, ...next, atMs: turn.nowMs })
  if (!(yield* showReached(turn, members, device))) return
  turn.put(due, { gid, device }, device)
  turn.effect({ kind: 'group', gid })
}

/** Goes on with what members said of more entries than one turn could show; whether there are more. */
export function* settleReached(turn: Turn, members: Membership): Step<boolean> {
  const { gid } = members
  const [first, second] = yield* range(due, { owner: gid, limit: 2 })
  if (first === undefined) return false
  if (yield* showReached(turn, members, first.value)) return true
  turn.remove(due, { gid, device: first.value })
  return second !== undefined
}

type What = 'heldAtMs' | 'readAtMs'

/** Shows of up to a thousand entries what a device said of them; whether there are more. */
function* showReached(turn: Turn, members: Membership, device: Bytes32): Step<boolean> {
  const { gid } = members
  const row = (yield* get(coverage, { gid, device })) ?? NO_COVERAGE
  const all = (yield* get(reached, gid)) ?? NOTHING_REACHED
  const held = { what: 'heldAtMs', to: row.n, from: row.shownN, n: all.n, top: all.topN } as const
  const read = { what: 'readAtMs', to: row.readN, from: row.shownReadN } as const
  const { from: shownN, n, top: topN } = yield* show(turn, members, device, held)
  const reads = { ...read, n: all.readN, top: all.topReadN }
  const { from: shownReadN, ...rest } = yield* show(turn, members, device, reads)
  turn.put(coverage, { gid, device }, { ...row, shownN, shownReadN })
  turn.put(reached, gid, { n, topN, readN: rest.n, topReadN: rest.top })
  return shownN < row.n || shownReadN < row.readN
}

interface Progress {
  /** Up to where the device's word is shown. */
  readonly from: number
  readonly n: number
  readonly top: number
}

function* show(
  turn: Turn,
  members: Membership,
  device: Bytes32,
  { what, to, from, ...all }: Progress & { readonly what: What; readonly to: number },
): Step<Progress> {
  let { n, top } = all
  const first = Math.max(from, n) + 1
  const last = Math.min(to, first + MARKS_MAX - 1)
  for (let at = first; at <= last; at++) {
    if (!(yield* mark(turn, members, device, at, what))) continue
    if (at === n + 1) n = at
    top = Math.max(top, at)
  }
  return { from: Math.max(from, last), n, top }
}

/** Shows that a device holds an entry of ours, or read it; false where its word is none about that one. */
function* mark(
  turn: Turn,
  members: Membership,
  device: Bytes32,
  n: number,
  what: What,
): Step<boolean> {
  const own = yield* firstAt(members.gid, turn.self.device, n)
  const known = own && (yield* get(evidence, own.id))?.group
  if (own === undefined || known === undefined || known[what] > 0) return true
  if (!(yield* speaksOf(turn, members, device, own.id, n))) return false
  yield* addGroupEvidence(turn, own.id, (before: GroupEvidence) => ({
    ...before,
    closed: '',
    [what]: turn.nowMs,
  }))
  return true
}

/**
 * Whether a member's device may have an entry of ours, so that it counts when it says that it has. Of what
 * was written after a removal of ourselves everybody keeps the header alone.
 */
export function* speaksOf(
  turn: Turn,
  members: Membership,
  device: Bytes32,
  id: Bytes32,
  n: number,
): Step<boolean> {
  const account = members.accountOf(device)
  const op = (yield* heldEntry(id))?.header.op
  if (account === undefined || op === undefined) return false
  if (equalBytes(account, turn.self.account)) return false
  const { kind } = yield* standingIn(members, { id, author: turn.self.device, n, op })
  if (kind === 'after-removal' || kind === 'void-author') return false
  return yield* isEntitled(members.dag, { id, op }, { account, device })
}
