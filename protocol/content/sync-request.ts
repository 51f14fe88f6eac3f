// Frame 0x1006, sync-request: entries wanted, by author and number or by id (SPEC.md §10).
//
// [1, req, conv|"", [[DK, from, to]] <=32, [id32] <=64]
import {
  type Bytes32,
  type CborValue,
  encodeCbor,
  FieldReader,
  malformed,
} from '../../crypto/index.ts'
import { LAMPORT_MAX, SYNC_IDS_MAX, SYNC_RANGES_MAX } from '../limits.ts'
import { conversationField, optionalBytes, versionedFields } from './fields.ts'
import type { ContentKind } from './kind.ts'

export interface SyncRange {
  readonly author: Bytes32
  /** Inclusive on both sides. */
  readonly from: number
  readonly to: number
}

export interface SyncRequest {
  /** Names the request to its asker; the pages repeat it. */
  readonly req: number
  readonly conversation: Bytes32 | undefined
  readonly ranges: readonly SyncRange[]
  readonly ids: readonly Bytes32[]
}

function encode(request: SyncRequest): Uint8Array<ArrayBuffer> {
  const ranges = request.ranges.map((range) => [range.author, range.from, range.to])
  return encodeCbor([1, request.req, optionalBytes(request.conversation), ranges, request.ids])
}

function decode(body: Uint8Array): SyncRequest {
  const fields = versionedFields(body, 'sync-request')
  const req = fields.uint('req', LAMPORT_MAX)
  const conversation = conversationField(fields)
  const ranges = fields.array('ranges', 0, SYNC_RANGES_MAX).map(decodeSyncRange)
  const ids = fields.array('ids', 0, SYNC_IDS_MAX).map((id) => {
    if (!(id instanceof Uint8Array) || id.length !== 32) malformed('sync-request.ids: not 32 bytes')
    return id
  })
  fields.end()
  return { req, conversation, ranges, ids }
}

function decodeSyncRange(value: CborValue): SyncRange {
  const fields = new FieldReader(value, 'sync range')
  const range = readSyncRange(fields)
  fields.end()
  return range
}

/** DK, from, to: the first three fields of what asks for entries or says why there are none. */
export function readSyncRange(fields: FieldReader): SyncRange {
  const author = fields.bytes('author', 32)
  const from = fields.uint('from', LAMPORT_MAX)
  const to = fields.uint('to', LAMPORT_MAX)
  if (from < 1 || from > to) malformed('sync range: from is above to')
  return { author, from, to }
}

export const syncRequestFrame: ContentKind<SyncRequest> = {
  kind: 0x1006,
  name: 'sync-request',
  encode,
  decode,
}
