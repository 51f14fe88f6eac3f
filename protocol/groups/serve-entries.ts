// Serving a group's log (SPEC.md §21): any member hands on whatever it holds, newest first, in at most
// four pages a question. The body of an entry goes to who was a member when it was written, its header
// to every member: so a newcomer closes its log, and reads nothing from before.
import { type Bytes32, equalBytes } from '../../crypto/index.ts'
import { frameOf } from '../content/kind.ts'
import { type SyncAbsence, syncPageFrame } from '../content/sync-page.ts'
import type { SyncRequest } from '../content/sync-request.ts'
import { evidence } from '../delivery/evidence.ts'
import { enqueue } from '../delivery/outbox.ts'
import { encodeFrames } from '../frames.ts'
import {
  SYNC_ABSENT_MAX,
  SYNC_PAGE_ENTRIES_MAX,
  SYNC_PAGE_MAX_BYTES,
  SYNC_PAGES_MAX,
  SYNC_SERVED_PER_MINUTE,
} from '../limits.ts'
import type { GroupDag } from '../group/group-dag.ts'
import { deviceIndex } from '../group/group-epochs.ts'
import { ABSENCE, type WireEntry, elideEntry, encodeEntry } from '../log/entry.ts'
import { readHeldEntry, readNumbers } from '../log/read.ts'
import { encodeRecord, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get } from '../step.ts'
import { type Membership, membershipOf } from './membership.ts'

/** Entries served to a device in the present minute, guarded clock. */
interface Served {
  readonly minute: number
  readonly entries: number
}

const served: Table<Bytes32, Served> = {
  name: 'sync-served',
  sealing: 'value',
  place: (device) => ({ owner: device, order: new Uint8Array(0) }),
  encode: ({ minute, entries }) => encodeRecord([minute, entries]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'served entries')
    return { minute: fields.uint('minute'), entries: fields.uint('entries') }
  },
}

const ENTRIES_MAX: number = SYNC_PAGES_MAX * SYNC_PAGE_ENTRIES_MAX

/** Answers a sync-request about a group; false where it is about none. */
export function* serveEntries(turn: Turn, device: Bytes32, request: SyncRequest): Step<boolean> {
  const { conversation: gid } = request
  const members = gid === undefined ? undefined : yield* membershipOf(turn, gid)
  if (members === undefined) return false
  const account = members.accountOf(device)
  if (account === undefined) return true
  const room = yield* roomFor(turn, device)
  if (room === 0) return true
  const asker = { account, device }
  const found = yield* findEntries(turn, members, asker, request, Math.min(room, ENTRIES_MAX))
  const pages = paged(found.entries)
  yield* noteServed(turn, device, found.entries.length)
  for (const [i, entries] of pages.entries()) {
    const isLast = i === pages.length - 1
    const frame = frameOf(syncPageFrame, {
      req: request.req,
      page: i + 1,
      more: !isLast || found.more,
      entries,
      absent: isLast ? found.absent.slice(0, SYNC_ABSENT_MAX) : [],
    })
    const frames = encodeFrames([frame])
    yield* enqueue(turn, device, { kind: 'notice', frames, untilHeard: false })
  }
  return true
}

function* roomFor(turn: Turn, device: Bytes32): Step<number> {
  const minute = Math.floor(turn.safeNowMs / 60_000)
  const row = yield* get(served, device)
  return row?.minute === minute
    ? Math.max(0, SYNC_SERVED_PER_MINUTE - row.entries)
    : SYNC_SERVED_PER_MINUTE
}

function* noteServed(turn: Turn, device: Bytes32, count: number): Step<void> {
  const minute = Math.floor(turn.safeNowMs / 60_000)
  const row = yield* get(served, device)
  const before = row?.minute === minute ? row.entries : 0
  turn.put(served, device, { minute, entries: before + count })
}

interface Asker {
  readonly account: Bytes32
  readonly device: Bytes32
}

interface Found {
  readonly entries: readonly WireEntry[]
  readonly absent: readonly SyncAbsence[]
  readonly more: boolean
}

function* findEntries(
  turn: Turn,
  members: Membership,
  asker: Asker,
  { ranges, ids }: SyncRequest,
  limit: number,
): Step<Found> {
  const entries: WireEntry[] = []
  const absent: SyncAbsence[] = []
  const wanted: Bytes32[] = [...ids]
  let more = false
  for (const { author, from, to } of ranges) {
    const room = limit - wanted.length
    if (room <= 0) {
      more = true
      break
    }
    const query = { conversation: members.gid, author, from, to, limit: room }
    const rows = yield* readNumbers(turn, query)
    for (const row of rows) wanted.push(...row.ids)
    if (rows.length === room && (rows.at(-1)?.n ?? from) > from) more = true
    // Only what lies above all that is held is surely absent: holes below are asked for by number.
    const top = rows[0]?.n ?? from - 1
    if (top < to) absent.push({ author, from: top + 1, to, reason: ABSENCE.notHeld })
  }
  for (const id of wanted.slice(0, limit)) {
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

/** Pages of at most 64 entries and 60 KiB; one at least. */
function paged(entries: readonly WireEntry[]): readonly (readonly WireEntry[])[] {
  const pages: WireEntry[][] = [[]]
  let sizeBytes = 0
  for (const entry of entries) {
    const size = encodeEntry(entry).length + 4
    let page = pages[pages.length - 1] ?? []
    const isFull = page.length >= SYNC_PAGE_ENTRIES_MAX || sizeBytes + size > PAGE_ROOM_BYTES
    if (isFull && page.length > 0) {
      page = []
      pages.push(page)
      sizeBytes = 0
    }
    page.push(entry)
    sizeBytes += size
  }
  return pages
}

/** Room for entries in a page, beside its absences. */
const PAGE_ROOM_BYTES: number = SYNC_PAGE_MAX_BYTES - 4_096
