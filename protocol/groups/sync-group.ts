// Repairing a group's log from its members (SPEC.md §21): what an author's own words show to be
// missing, what open entries cite, and, after an absence, what somebody else's frontier shows.
import { type Bytes32, equalBytes } from '../../crypto/index.ts'
import { type Frontier, frontierFrame } from '../content/frontier.ts'
import { frameOf } from '../content/kind.ts'
import type { SyncPage } from '../content/sync-page.ts'
import { type SyncRange, syncRequestFrame } from '../content/sync-request.ts'
import { enqueue } from '../delivery/outbox.ts'
import { encodeFrames } from '../frames.ts'
import { SYNC_ANSWER_MS, SYNC_RANGES_MAX, SYNC_RETRY_MAX_MS } from '../limits.ts'
import { COMPARE_INTERVAL_MS } from '../group/limits.ts'
import {
  type ConversationFrontier,
  authorFrontier,
  conversationFrontier,
  markLost,
} from '../log/frontier.ts'
import { frontierFrameOf } from '../log/statements.ts'
import { lostEntries } from '../log/tables.ts'
import { type Wanted, wantedOf } from '../log/wanted.ts'
import { peers } from '../peers/peer.ts'
import { type Step, type Turn, get } from '../step.ts'
import type { Membership } from './membership.ts'
import { type SyncState, frontiersTold, syncState, syncStates } from './sync-state.ts'
import { takeEntry } from './take-entry.ts'

/** Asks for what is missing, when it is time to; when to look again, guarded clock. */
export function* syncGroup(turn: Turn, members: Membership): Step<number | undefined> {
  const { gid } = members
  const state = yield* syncState(gid)
  const compareAtMs = yield* compareLogs(turn, members, state)
  const { ranges, ids } = yield* wantedOf(turn, gid)
  if (ranges.length + ids.length === 0) return compareAtMs
  const current = yield* syncState(gid)
  const waitMs = Math.min(SYNC_RETRY_MAX_MS, SYNC_ANSWER_MS * 2 ** Math.min(current.vain, 8))
  const dueMs = current.askedAtMs === 0 ? 0 : current.askedAtMs + waitMs
  if (dueMs > turn.safeNowMs) return Math.min(dueMs, compareAtMs ?? dueMs)
  const devices = yield* reachableDevices(turn, members)
  if (devices.length === 0) return compareAtMs
  if (current.vain > 2 * devices.length) yield* giveUpOn(turn, gid, { ranges, ids })
  // The author first, who surely wrote it; then the others, one after the other.
  const [first] = ranges
  const author = first && devices.find((device) => equalBytes(device, first.author))
  const next = devices[current.vain % devices.length]
  const device = current.vain === 0 && author !== undefined ? author : next
  if (device === undefined) return compareAtMs
  yield* ask(turn, gid, current, device, { ranges, ids })
  return turn.safeNowMs + SYNC_ANSWER_MS * 2 ** Math.min(current.vain + 1, 8)
}

function* ask(
  turn: Turn,
  gid: Bytes32,
  state: SyncState,
  device: Bytes32,
  wanted: { readonly ranges: readonly SyncRange[]; readonly ids: readonly Bytes32[] },
): Step<void> {
  const req = state.req + 1
  const frame = frameOf(syncRequestFrame, { req, conversation: gid, ...wanted })
  const frames = encodeFrames([frame])
  yield* enqueue(turn, device, { kind: 'notice', frames, untilHeard: false })
  const asked = { req, asked: device, askedAtMs: turn.safeNowMs, vain: state.vain + 1 }
  turn.put(syncStates, gid, { ...state, ...asked })
}

/** Everybody who could be asked said nothing of it: named as gone, no longer asked for. */
function* giveUpOn(turn: Turn, gid: Bytes32, { ranges, ids }: Wanted): Step<void> {
  for (const { author, from, to } of ranges) yield* markLost(turn, gid, author, [from, to])
  for (const id of ids) {
    const key = { conversation: gid, id }
    if ((yield* get(lostEntries, key)) !== undefined) turn.remove(lostEntries, key)
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

/** Takes a page that was asked for. */
export function* takeSyncPage(
  turn: Turn,
  members: Membership,
  device: Bytes32,
  page: SyncPage,
): Step<void> {
  const { gid } = members
  const state = yield* syncState(gid)
  const isAsked = state.asked !== undefined && equalBytes(state.asked, device)
  if (!isAsked || page.req !== state.req) return
  let news = false
  for (const entry of page.entries) {
    const brought = yield* takeEntry(turn, members, entry)
    if (brought === 'news') news = true
  }
  // What else is missing is asked for at once, of the same device, as long as something comes.
  if (news)
    turn.put(syncStates, gid, { ...state, vain: 0, askedAtMs: page.more ? state.askedAtMs : 0 })
  turn.effect({ kind: 'group', gid })
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
  turn.put(syncStates, members.gid, { ...state, comparedAtMs: turn.safeNowMs })
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
    const frames = encodeFrames([frameOf(frontierFrame, frontierFrameOf(gid, held))])
    yield* enqueue(turn, device, { kind: 'notice', frames, untilHeard: false })
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
  const state = yield* syncState(gid)
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
  turn.put(syncStates, gid, { ...state, compares: false })
  if (ranges.length > 0) {
    yield* ask(turn, gid, { ...state, compares: false }, device, { ranges, ids: [] })
  }
  if (!isAnswer) yield* sendFrontier(turn, members, device)
}
