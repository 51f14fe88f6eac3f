// Frame 0x1080, seed-request: asks another member for an epoch's secret, and says which operations
// are held, so that the answer can bring what is missing of them (SPEC.md §20.9).
//
// [1, gid, opId, [[head opId, lamport]] <=256]
import { type Bytes32, encodeCbor } from '../../crypto/index.ts'
import { GROUP_HEADS_MAX } from '../group-limits.ts'
import type { EntryRef } from '../log/header.ts'
import { decodeRefs, encodeRefs, versionedFields } from './fields.ts'
import type { ContentKind } from './kind.ts'

export interface SeedRequest {
  readonly group: Bytes32
  readonly opId: Bytes32
  /** Heads of the operations that are held. */
  readonly heads: readonly EntryRef[]
}

function encode(request: SeedRequest): Uint8Array<ArrayBuffer> {
  return encodeCbor([1, request.group, request.opId, encodeRefs(request.heads)])
}

function decode(body: Uint8Array): SeedRequest {
  const fields = versionedFields(body, 'seed-request')
  const request = {
    group: fields.bytes('gid', 32),
    opId: fields.bytes('opId', 32),
    heads: decodeRefs(fields.array('heads', 0, GROUP_HEADS_MAX), 'head'),
  }
  fields.end()
  return request
}

export const seedRequestFrame: ContentKind<SeedRequest> = {
  kind: 0x1080,
  name: 'seed-request',
  encode,
  decode,
}
