// Serving a group's log (SPEC.md §21): any member hands on whatever it holds, newest first, in at most
// four pages a question. The body of an entry goes to who was a member when it was written, its header
// to every member: so a newcomer closes its log, and reads nothing from before.
import { type Bytes32, equalBytes } from '../../crypto/index.ts'
import type { SyncRequest } from '../content/sync-request.ts'
import { evidence } from '../delivery/evidence.ts'
import { type Found, findNumbers, sendPages, servedAtMost } from '../delivery/sync-pages.ts'
import type { GroupDag } from '../membership/group-dag.ts'
import { deviceIndex } from '../membership/group-epochs.ts'
import { ABSENCE, type WireEntry, elideEntry } from '../log/entry.ts'
import { readHeldEntry } from '../log/read.ts'
import { type Step, type Turn, get } from '../step.ts'
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

interface Asker {
  readonly account: Bytes32
  readonly device: Bytes32
}

function* findEntries(
  turn: Turn,
  members: Membership,
  asker: Asker,
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

/**
 * An entry as a device may have it: whole where its account was a member at the entry's operation, or
 * where this device sent it the entry itself. Where members were added side by side no operation has
 * all of them in its past, and who has the epoch may be no member at the entry's.
 */
function* servedForm(
  turn: Turn,
  { dag, gid }: Membership,
  { account, device }: Asker,
  id: Bytes32,
): Step<WireEntry | undefined> {
  const entry = yield* readHeldEntry(turn, id)
  if (entry === undefined || !equalBytes(entry.header.conversation, gid)) return undefined
  const { op } = entry.header
  const wasMember = op !== undefined && dag.viewAfter(op)?.member(account) !== undefined
  const isServed = wasMember || (yield* wasSentTo(dag, id, device))
  return elideEntry({ ...entry, body: isServed ? entry.body : ABSENCE.notHeld }, 'none')
}

/** Whether this device wrote it, and to a device: in an epoch that it is a recipient of, or as a top-up. */
function* wasSentTo(dag: GroupDag, id: Bytes32, device: Bytes32): Step<boolean> {
  const row = yield* get(evidence, id)
  if (row?.devices.some((one) => equalBytes(one.device, device)) === true) return true
  const epoch = row?.group?.epoch
  return epoch !== undefined && deviceIndex(dag, epoch, device) !== undefined
}
