// Frame 0x1007, sync-page: entries that were asked for, newest first, and why others are not there
// (SPEC.md §10). Conversation and author are not elided in its entries.
//
// [1, req, page, more 0|1, [entry] <=64, [[DK, from, to, reason]] <=64]
import { type CborValue, encodeCbor, FieldReader, malformed } from '../../crypto/index.ts'
import {
  LAMPORT_MAX,
  SYNC_ABSENT_MAX,
  SYNC_PAGE_ENTRIES_MAX,
  SYNC_PAGE_MAX_BYTES,
} from '../limits.ts'
import { entryFromCbor, entryToCbor, type WireEntry } from '../log/entry.ts'
import { versionedFields } from './fields.ts'
import type { ContentKind } from './kind.ts'
import { readSyncRange, type SyncRange } from './sync-request.ts'

export interface SyncAbsence extends SyncRange {
  /** As in an entry: 1 erased, 2 withdrawn, 3 expired, 4 beyond a cut, 5 not held. */
  readonly reason: number
}

export interface SyncPage {
  readonly req: number
  /** 1, 2, .. within the request. */
  readonly page: number
  readonly more: boolean
  readonly entries: readonly WireEntry[]
  readonly absent: readonly SyncAbsence[]
}

function encode(page: SyncPage): Uint8Array<ArrayBuffer> {
  return encodeCbor([
    1,
    page.req,
    page.page,
    page.more ? 1 : 0,
    page.entries.map(entryToCbor),
    page.absent.map((absence) => [absence.author, absence.from, absence.to, absence.reason]),
  ])
}

function decode(body: Uint8Array): SyncPage {
  if (body.length > SYNC_PAGE_MAX_BYTES) malformed(`sync-page: ${body.length} bytes`)
  const fields = versionedFields(body, 'sync-page')
  const req = fields.uint('req', LAMPORT_MAX)
  const page = fields.uint('page', LAMPORT_MAX)
  const more = fields.flag('more')
  const entries = fields.array('entries', 0, SYNC_PAGE_ENTRIES_MAX).map(decodePageEntry)
  const absent = fields.array('absent', 0, SYNC_ABSENT_MAX).map(decodeAbsence)
  fields.end()
  return { req, page, more, entries, absent }
}

function decodePageEntry(value: CborValue): WireEntry {
  const entry = entryFromCbor(value)
  if (entry.header.conversation === undefined || entry.header.author === undefined) {
    malformed('sync-page: an entry with conversation or author elided')
  }
  return entry
}

function decodeAbsence(value: CborValue): SyncAbsence {
  const fields = new FieldReader(value, 'sync absence')
  const range = readSyncRange(fields)
  const reason = fields.uint('reason', 255)
  fields.end()
  if (reason === 0) malformed('sync absence: reason 0')
  return { ...range, reason }
}

export const syncPageFrame: ContentKind<SyncPage> = {
  kind: 0x1007,
  name: 'sync-page',
  encode,
  decode,
}
