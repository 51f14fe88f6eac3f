// Serving a group's log (SPEC.md §21): any member hands on whatever it holds, newest first, in at most
// four pages a question. The body of an entry goes to who was a member when it was written, its header
// to every member: so a newcomer closes its log, and reads nothing from before.
import { type Bytes32, equalBytes } from '../../crypto/index.ts'
import type { SyncRequest } from '../content/sync-request.ts'
import { type Found, findNumbers, sendPages, servedAtMost } from '../delivery/sync-pages.ts'
import { ABSENCE, type WireEntry, elideEntry } from '../log/entry.ts'
import { readHeldEntry } from '../log/read.ts'
import type { Step, Turn } from '../step.ts'
import { type MemberDevice, isEntitled } from './entitled.ts'
import { type Membership, membershipOf } from './membership.ts'

/** Answers a sync-request about a group; false where it is about none. */
export function* serveEntries(turn: Turn, device: Bytes32, request: SyncRequest): Step<boolean> {
  const { conversation: gid } = request
  const members = gid === undefined ? undefined : yield* membershipOf(turn, gid)
  if (members === undefined) return false
  const account = members.accountOf(device)
  if (account === undefined) return true
  const limit = yield* servedAtMost(turn, device)
  if (limit === 0) return true
  const asker = { account, device }
  yield* sendPages(
    turn,
    device,
    request.req,
    yield* findEntries(turn, members, asker, request, limit),
  )
  return true
}

function* findEntries(
  turn: Turn,
  members: Membership,
  asker: MemberDevice,
  request: SyncRequest,
  limit: number,
): Step<Found> {
  const { absent, wanted, more } = yield* findNumbers(turn, members.gid, request, limit)
  const entries: WireEntry[] = []
  for (const id of wanted) {
    const wire = yield* servedForm(turn, members, asker, id)
    if (wire !== undefined) entries.push(wire)
  }
  return { entries, absent, more }
}

/** An entry as a device may have it. */
function* servedForm(
  turn: Turn,
  { dag, gid }: Membership,
  asker: MemberDevice,
  id: Bytes32,
): Step<WireEntry | undefined> {
  const entry = yield* readHeldEntry(turn, id)
  if (entry === undefined || !equalBytes(entry.header.conversation, gid)) return undefined
  const isServed = yield* isEntitled(dag, { id, op: entry.header.op }, asker)
  return elideEntry({ ...entry, body: isServed ? entry.body : ABSENCE.notHeld }, 'none')
}
