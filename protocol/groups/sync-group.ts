// Repairing a group's log from its members (SPEC.md §21): what an author's own words show to be
// missing, what open entries cite, and, after an absence, what somebody else's frontier shows.
import { type Bytes32, equalBytes, u64 } from '../../crypto/index.ts'
import { type Frontier, frontierFrame } from '../content/frontier.ts'
import { frameOf } from '../content/kind.ts'
import type { SyncPage } from '../content/sync-page.ts'
import { type SyncRange, syncRequestFrame } from '../content/sync-request.ts'
import { sendNotice } from '../delivery/notice.ts'
import { drawRequest } from '../delivery/sync-pages.ts'
import { SYNC_ANSWER_MS, SYNC_GONE_MS, SYNC_RANGES_MAX, SYNC_RETRY_MAX_MS } from '../limits.ts'
import { COMPARE_INTERVAL_MS, GROUPS_MAX } from '../group-limits.ts'
import {
  type ConversationFrontier,
  authorFrontier,
  conversationFrontier,
  markLost,
} from '../log/frontier.ts'
import { giveUp } from '../log/base.ts'
import { frontierFrameOf } from '../log/statements.ts'
import { lostEntries } from '../log/tables.ts'
import { type Wanted, wantedOf } from '../log/wanted.ts'
import { peers } from '../peers/peer.ts'
import { type Step, type Turn, get, range } from '../step.ts'
import { type Membership, membershipOf } from './membership.ts'
import { type SyncState, frontiersTold, syncAsked, syncState, syncStates } from './sync-state.ts'
import { takeEntry } from './take-entry.ts'

/** Asks for what is missing, when it is time to; when to look again, guarded clock. */
export function* syncGroup(turn: Turn, members: Membership): Step<number | undefined> {
  const { gid } = members
  const state = yield* syncState(gid)
  const compareAtMs = yield* compareLogs(turn, members, state)
  const { ranges, ids } = yield* wantedOf(turn, gid)
  if (ranges.length + ids.length === 0) return compareAtMs
  const current = yield* syncState(gid)
  const { vain } = current
  const silent = yield* unanswered(turn, members, { ranges, ids })
  const isGone = silent.length === 0
  const mostMs = isGone ? SYNC_GONE_MS : SYNC_RETRY_MAX_MS
  const waitMs = isGone ? mostMs : Math.min(mostMs, SYNC_ANSWER_MS * 2 ** Math.min(vain, 9))
  const dueMs = current.askedAtMs === 0 ? 0 : current.askedAtMs + waitMs
  if (dueMs > turn.safeNowMs) return Math.min(dueMs, compareAtMs ?? dueMs)
  // Who had not answered may have left.
  if (isGone) yield* giveUpOn(turn, members, { ranges, ids })
  const reachable = yield* reachableDevices(turn, members)
  const isSilent = (device: Bytes32): boolean => silent.some((one) => equalBytes(one, device))
  const left = reachable.filter(isSilent)
  const devices = left.length > 0 ? left : reachable
  // The author first, who surely wrote it, and again and again; between, one other after the other.
  const author = vain % AUTHOR_EVERY === 0 ? authorInTurn(ranges, vain / AUTHOR_EVERY) : undefined
  const first = author && devices.find((device) => equalBytes(device, author))
  const device = first ?? devices[vain % devices.length]
  if (device === undefined) return compareAtMs
  yield* ask(turn, gid, current, device, { ranges, ids })
  return turn.safeNowMs + Math.min(mostMs, SYNC_ANSWER_MS * 2 ** Math.min(vain + 1, 9))
}

/** Of so many questions that brought nothing one goes to an author of what is missing. */
const AUTHOR_EVERY = 4

function authorInTurn(ranges: readonly SyncRange[], round: number): Bytes32 | undefined {
  return ranges[round % ranges.length]?.author
}

function questionOf(turn: Turn, { ranges, ids }: Wanted): Uint8Array {
  const parts = ranges.flatMap(({ author, from, to }) => [author, u64(from), u64(to)])
  return turn.crypto.sha256(u64(ranges.length), ...parts, ...ids).slice(0, 8)
}

/**
 * Other members' devices that did not say yet that they have nothing of what is missing: each may have
 * it, whether it is away or was never reached. `wanted`: all that is missing.
 */
export function* unanswered(
  turn: Turn,
  members: Membership,
  wanted: Wanted,
): Step<readonly Bytes32[]> {
  const question = questionOf(turn, wanted)
  const silent: Bytes32[] = []
  for (const device of members.devices) {
    if (equalBytes(device, turn.self.device)) continue
    const asked = yield* get(syncAsked, { gid: members.gid, device })
    const hasNone = asked?.hasNone === true && equalBytes(asked.question, question)
    if (!hasNone) silent.push(device)
  }
  return silent
}

function* ask(
  turn: Turn,
  gid: Bytes32,
  state: SyncState,
  device: Bytes32,
  wanted: Wanted,
): Step<void> {
  const req = drawRequest(turn)
  const question = questionOf(turn, wanted)
  const before = yield* get(syncAsked, { gid, device })
  // It said so once; while it is away that stands.
  const hasNone = before?.hasNone === true && equalBytes(before.question, question)
  turn.put(syncAsked, { gid, device }, { req, question, hasNone })
  const frame = frameOf(syncRequestFrame, { req, conversation: gid, ...wanted })
  yield* sendNotice(turn, device, frame)
  const asked = { asked: device, askedAtMs: turn.safeNowMs, vain: state.vain + 1 }
  turn.put(syncStates, gid, { ...state, ...asked })
}

/**
 * Everybody who may have it said that it has not: named as gone, once. It is still asked for, now and
 * then, and whatever brings it is taken.
 */
function* giveUpOn(turn: Turn, members: Membership, wanted: Wanted): Step<void> {
  const { gid } = members
  for (const { author, from, to } of wanted.ranges) yield* markLost(turn, gid, author, [from, to])
  for (const id of wanted.ids) {
    const key = { conversation: gid, id }
    if ((yield* get(lostEntries, key)) !== undefined) turn.remove(lostEntries, key)
    else yield* giveUp(turn, gid, id)
  }
  // What is left was part of what all of them answered.
  const left = yield* wantedOf(turn, gid)
  const question = questionOf(turn, left)
  if (equalBytes(question, questionOf(turn, wanted))) return
  for (const device of members.devices) {
    const asked = yield* get(syncAsked, { gid, device })
    if (asked !== undefined) turn.put(syncAsked, { gid, device }, { ...asked, question })
  }
}

/** Devices of members that a question can reach. */
export function* reachableDevices(turn: Turn, members: Membership): Step<readonly Bytes32[]> {
  const devices: Bytes32[] = []
  for (const device of members.devices) {
    if (equalBytes(device, turn.self.device)) continue
    const endpoints = (yield* get(peers, device))?.endpoints
    if (endpoints === undefined) continue
    if (endpoints.mailboxes.length > 0 || endpoints.home !== undefined) devices.push(device)
  }
  return devices
}

/** Takes a page that a device of a group was asked for last; false where it is of no such question. */
export function* takeSyncPage(turn: Turn, device: Bytes32, page: SyncPage): Step<boolean> {
  // One of nothing names no group.
  const groups = yield* range(syncAsked, { owner: device, limit: GROUPS_MAX })
  const found = groups.find(({ value }) => value.req === page.req)
  const members = found && (yield* membershipOf(turn, found.order))
  if (found === undefined || members === undefined) return false
  const { gid } = members
  const asked = found.value
  const state = yield* syncState(gid)
  let news = false
  for (const entry of page.entries) {
    const brought = yield* takeEntry(turn, members, entry)
    if (brought === 'news') news = true
  }
  // What else is missing is asked for at once, of the same device, as long as something comes.
  if (news)
    turn.put(syncStates, gid, { ...state, vain: 0, askedAtMs: page.more ? state.askedAtMs : 0 })
  else if (!page.more) {
    turn.put(syncAsked, { gid, device }, { ...asked, hasNone: true })
    const wanted = yield* wantedOf(turn, gid)
    const isGone = (yield* unanswered(turn, members, wanted)).length === 0
    if (isGone) yield* giveUpOn(turn, members, wanted)
  }
  turn.effect({ kind: 'group', gid })
  return true
}

/** After an absence: tells one member what is held here, who answers with what it holds. */
function* compareLogs(turn: Turn, members: Membership, state: SyncState): Step<number | undefined> {
  if (!state.compares) return undefined
  const dueMs = state.comparedAtMs === 0 ? 0 : state.comparedAtMs + COMPARE_INTERVAL_MS
  if (dueMs > turn.safeNowMs) return dueMs
  const devices = yield* reachableDevices(turn, members)
  const at = (turn.random(1)[0] ?? 0) % Math.max(1, devices.length)
  const device = devices[at]
  if (device === undefined) return undefined
  yield* sendFrontier(turn, members, device)
  const asked = { comparedAtMs: turn.safeNowMs, comparedWith: device }
  turn.put(syncStates, members.gid, { ...state, ...asked })
  return turn.safeNowMs + COMPARE_INTERVAL_MS
}

/** The log may lack what came while nobody looked. */
export function* wantsCompare(turn: Turn, gid: Bytes32): Step<void> {
  const state = yield* syncState(gid)
  if (!state.compares) turn.put(syncStates, gid, { ...state, compares: true, comparedAtMs: 0 })
  turn.effect({ kind: 'group', gid })
}

/** The same, no sooner than the logs would be compared again anyway. */
export function* comparesSoon(turn: Turn, gid: Bytes32): Step<void> {
  const state = yield* syncState(gid)
  if (!state.compares) turn.put(syncStates, gid, { ...state, compares: true })
}

function* sendFrontier(turn: Turn, { gid }: Membership, device: Bytes32): Step<void> {
  for (let from: number | undefined = 0; from !== undefined;) {
    const held: ConversationFrontier = yield* conversationFrontier(turn, gid, from)
    yield* sendNotice(turn, device, frameOf(frontierFrame, frontierFrameOf(gid, held)))
    from = held.next
  }
  turn.put(frontiersTold, { gid, device }, turn.safeNowMs)
}

/**
 * Takes a member's frontier: a hint of what others wrote and we lack, which is asked for from it; and
 * answered with ours, not more often than every ten minutes.
 */
export function* takeSyncFrontier(
  turn: Turn,
  members: Membership,
  device: Bytes32,
  frontier: Frontier,
): Step<void> {
  const { gid } = members
  const before = yield* syncState(gid)
  const { comparedWith } = before
  const isAsked = comparedWith !== undefined && equalBytes(comparedWith, device)
  const state = isAsked ? { ...before, compares: false, comparedWith: undefined } : before
  const ranges: SyncRange[] = []
  for (const { author, n } of frontier.authors) {
    // Of who is gone as well: nobody else says any more how far it wrote.
    if (equalBytes(author, turn.self.device) || !members.wasDevice(author)) continue
    const mine = yield* authorFrontier(turn, gid, author)
    const top = mine?.n ?? 0
    if (n > top && ranges.length < SYNC_RANGES_MAX) ranges.push({ author, from: top + 1, to: n })
  }
  const told = yield* get(frontiersTold, { gid, device })
  const isAnswer = told !== undefined && turn.safeNowMs - told < COMPARE_INTERVAL_MS
  if (isAsked) turn.put(syncStates, gid, state)
  if (ranges.length > 0) yield* ask(turn, gid, state, device, { ranges, ids: [] })
  if (!isAnswer) yield* sendFrontier(turn, members, device)
}
