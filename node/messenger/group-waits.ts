// What a group misses and holds, by names: whose it is, what it waits for, and who was asked.
import { type Bytes32, equalBytes, toHex } from '../../crypto/index.ts'
import {
  type AskedDevice,
  type Membership,
  type Step,
  type Turn,
  gapsOf,
  get,
  groupWaits,
  peers,
  syncState,
  unanswered,
  wantedOf,
} from '../../protocol/index.ts'
import type { Person } from '../api.ts'
import type { GroupAsked, GroupGap, GroupHeld } from '../api-groups.ts'
import { personAt } from './person-at.ts'

function short(key: Bytes32 | undefined): string {
  return key === undefined ? '' : toHex(key).slice(0, 16)
}

const NOBODY: Person = { name: '', address: '' }

/** Whose device it is; of one that was a member's before as well. */
function* ownerOf(
  turn: Turn,
  members: Membership | undefined,
  device: Bytes32 | undefined,
): Step<Person> {
  if (device === undefined) return NOBODY
  const account = members?.accountOf(device) ?? (yield* get(peers, device))?.account
  return account === undefined ? NOBODY : yield* personAt(turn, account)
}

function* askedViews(
  turn: Turn,
  members: Membership | undefined,
  asked: readonly AskedDevice[],
): Step<readonly GroupAsked[]> {
  const views: GroupAsked[] = []
  for (const { device, atMs } of asked) {
    const { name } = yield* ownerOf(turn, members, device)
    views.push({ name, device: short(device), at: atMs })
  }
  return views
}

/** Numbers that are missing, of each device. */
export function* gapViews(
  turn: Turn,
  gid: Bytes32,
  members: Membership | undefined,
): Step<readonly GroupGap[]> {
  const gaps = yield* gapsOf(turn, gid)
  if (gaps.length === 0) return []
  const { asked, askedAtMs, vain } = yield* syncState(gid)
  const last = asked === undefined || askedAtMs === 0 ? [] : [{ device: asked, atMs: askedAtMs }]
  const silent =
    members === undefined ? [] : yield* unanswered(turn, members, yield* wantedOf(turn, gid))
  const views: GroupGap[] = []
  for (const gap of gaps) {
    const { author, from, to } = gap
    const person = yield* ownerOf(turn, members, author)
    // Given up once, and somebody is there now who did not answer: it may come after all.
    const irretrievable = gap.irretrievable && silent.length === 0
    // It was asked first, another one since.
    const authorAway = vain > 1 && silent.some((device) => equalBytes(device, author))
    const who = irretrievable ? [] : yield* askedViews(turn, members, last)
    const device = short(author)
    views.push({ ...person, device, from, to, irretrievable, authorAway, asked: who })
  }
  return views
}

/** What came and cannot be shown yet. */
export function* heldViews(
  turn: Turn,
  gid: Bytes32,
  members: Membership | undefined,
): Step<readonly GroupHeld[]> {
  const views: GroupHeld[] = []
  for (const { device, opId, asked, waitsFor, numbers, places, count } of yield* groupWaits(
    turn,
    gid,
  )) {
    views.push({
      ...(yield* ownerOf(turn, members, device)),
      device: short(device),
      waitsFor,
      operation: short(opId),
      numbers,
      places,
      count,
      asked: yield* askedViews(turn, members, asked),
    })
  }
  return views
}
