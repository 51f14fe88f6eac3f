// Answering who asks for entries (SPEC.md §10.2): newest first, in at most four pages a question, and
// no more than 10,000 entries a minute to one device.
import { type Bytes32, concat, readU64, u16 } from '../../crypto/index.ts'
import { frameOf } from '../content/kind.ts'
import { type SyncAbsence, syncPageFrame } from '../content/sync-page.ts'
import type { SyncRequest } from '../content/sync-request.ts'
import {
  SERVED_WAITING_MAX,
  SYNC_ABSENT_MAX,
  SYNC_PAGE_ENTRIES_MAX,
  SYNC_PAGE_MAX_BYTES,
  SYNC_PAGES_MAX,
  SYNC_SERVED_PER_MINUTE,
} from '../limits.ts'
import { ABSENCE, type WireEntry, encodeEntry } from '../log/entry.ts'
import { readNumbers } from '../log/read.ts'
import { encodeRecord, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get } from '../step.ts'
import { sendNotice } from './notice.ts'
import { outboxHead } from './outbox.ts'

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
/** Room for entries in a page, beside its absences. */
const PAGE_ROOM_BYTES: number = SYNC_PAGE_MAX_BYTES - 4_096

/** What is sent in answer to one question. */
export interface Found {
  readonly entries: readonly WireEntry[]
  readonly absent: readonly SyncAbsence[]
  /** There is more of what was asked. */
  readonly more: boolean
}

/** Ids of entries that were asked for, before anybody judged who may have them. */
export interface FoundNumbers {
  readonly wanted: readonly Bytes32[]
  readonly absent: readonly SyncAbsence[]
  readonly more: boolean
}

/** A number that no page of an earlier question, or of another conversation's, repeats by accident. */
export function drawRequest(turn: Turn): number {
  return 1 + readU64(concat(u16(0), turn.random(6)), 0)
}

/** How many entries a device is sent in answer to one question now; 0: none, it asks too much. */
export function* servedAtMost(turn: Turn, device: Bytes32): Step<number> {
  if ((yield* outboxHead(device)).items >= SERVED_WAITING_MAX) return 0
  const minute = Math.floor(turn.safeNowMs / 60_000)
  const row = yield* get(served, device)
  const before = row?.minute === minute ? row.entries : 0
  return Math.min(ENTRIES_MAX, Math.max(0, SYNC_SERVED_PER_MINUTE - before))
}

/** What is held here of the numbers and ids of a question, newest first, at most `limit`. */
export function* findNumbers(
  turn: Turn,
  conversation: Bytes32,
  { ranges, ids }: SyncRequest,
  limit: number,
): Step<FoundNumbers> {
  const absent: SyncAbsence[] = []
  const wanted: Bytes32[] = [...ids]
  let more = false
  for (const { author, from, to } of ranges) {
    const room = limit - wanted.length
    if (room <= 0) {
      more = true
      break
    }
    const rows = yield* readNumbers(turn, { conversation, author, from, to, limit: room })
    for (const row of rows) wanted.push(...row.ids)
    if (rows.length === room && (rows.at(-1)?.n ?? from) > from) more = true
    // Only what lies above all that is held is surely absent: holes below are asked for by number.
    const top = rows[0]?.n ?? from - 1
    if (top < to) absent.push({ author, from: top + 1, to, reason: ABSENCE.notHeld })
  }
  return { wanted: wanted.slice(0, limit), absent, more }
}

/** Sends a device what was found for its question. */
export function* sendPages(
  turn: Turn,
  device: Bytes32,
  req: number,
  { entries, absent, more }: Found,
): Step<void> {
  const all = paged(entries)
  const pages = all.slice(0, SYNC_PAGES_MAX)
  const isCut = pages.length < all.length
  yield* noteServed(turn, device, pages.length)
  for (const [i, some] of pages.entries()) {
    const isLast = i === pages.length - 1
    const frame = frameOf(syncPageFrame, {
      req,
      page: i + 1,
      more: !isLast || more || isCut,
      entries: some,
      absent: isLast ? absent.slice(0, SYNC_ABSENT_MAX) : [],
    })
    yield* sendNotice(turn, device, frame)
  }
}

/** A page counts as a full one: few long entries cost as much as many short ones. */
export function* noteServed(turn: Turn, device: Bytes32, pages: number): Step<void> {
  const minute = Math.floor(turn.safeNowMs / 60_000)
  const row = yield* get(served, device)
  const before = row?.minute === minute ? row.entries : 0
  turn.put(served, device, { minute, entries: before + pages * SYNC_PAGE_ENTRIES_MAX })
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
