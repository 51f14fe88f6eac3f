// Frames 0x1081, ops-request, and 0x1082, ops: a group's operations by heads over a session, so that
// a device without the epoch's secret still follows membership (SPEC.md §20.9).
//
// [1, gid, [[head opId, lamport]] <=256]        [1, gid, [GroupOp bstr] 1.., more 0|1]
import { type Bytes32, encodeCbor, malformed, GROUP_OP_MAX_BYTES } from '../../crypto/index.ts'
import { GROUP_HEADS_MAX, GROUP_OPS_FRAME_BYTES, GROUP_OPS_FRAME_MAX } from '../group-limits.ts'
import type { EntryRef } from '../log/header.ts'
import { decodeRefs, encodeRefs, versionedFields } from './fields.ts'
import type { ContentKind } from './kind.ts'

export interface OpsRequest {
  readonly group: Bytes32
  /** What is held: everything that is not in their past is asked for. */
  readonly heads: readonly EntryRef[]
}

function encodeRequest(request: OpsRequest): Uint8Array<ArrayBuffer> {
  return encodeCbor([1, request.group, encodeRefs(request.heads)])
}

function decodeRequest(body: Uint8Array): OpsRequest {
  const fields = versionedFields(body, 'ops-request')
  const group = fields.bytes('gid', 32)
  const heads = decodeRefs(fields.array('heads', 0, GROUP_HEADS_MAX), 'head')
  fields.end()
  return { group, heads }
}

export const opsRequestFrame: ContentKind<OpsRequest> = {
  kind: 0x1081,
  name: 'ops-request',
  encode: encodeRequest,
  decode: decodeRequest,
}

export interface GroupOps {
  readonly group: Bytes32
  /** Encoded GroupOps in topological order: 48 000 bytes together, or a single longer one. */
  readonly operations: readonly Uint8Array[]
  readonly more: boolean
}

function encode(ops: GroupOps): Uint8Array<ArrayBuffer> {
  return encodeCbor([1, ops.group, [...ops.operations], ops.more ? 1 : 0])
}

function decode(body: Uint8Array): GroupOps {
  const fields = versionedFields(body, 'ops')
  const group = fields.bytes('gid', 32)
  const operations = fields.array('operations', 0, GROUP_OPS_FRAME_MAX).map((value) => {
    if (!(value instanceof Uint8Array) || value.length < 1 || value.length > GROUP_OP_MAX_BYTES) {
      malformed('ops: not an encoded operation')
    }
    return value
  })
  const more = fields.flag('more')
  fields.end()
  const total = operations.reduce((sum, { length }) => sum + length, 0)
  if (operations.length > 1 && total > GROUP_OPS_FRAME_BYTES) malformed(`ops: ${total} bytes`)
  return { group, operations, more }
}

export const groupOpsFrame: ContentKind<GroupOps> = { kind: 0x1082, name: 'ops', encode, decode }
