// Frame 0x1182, join-ack (numbered): what became of somebody's wish to join by a link (SPEC.md §20.9).
//
// [c, inviteId16, state, gid32|""]
import { type Bytes16, type Bytes32, encodeCbor, malformed } from '../../crypto/index.ts'
import { bodyFields, numberField, optionalBytes } from './fields.ts'
import type { ContentKind } from './kind.ts'

const STATES = ['pending', 'accepted', 'refused', 'used', 'expired', 'full'] as const

export type JoinState = (typeof STATES)[number]

export interface JoinAck {
  readonly c: number
  readonly inviteId: Bytes16
  readonly state: JoinState
  /** The group; undefined unless it is pending or accepted. */
  readonly group: Bytes32 | undefined
}

function encode(ack: JoinAck): Uint8Array<ArrayBuffer> {
  return encodeCbor([ack.c, ack.inviteId, STATES.indexOf(ack.state), optionalBytes(ack.group)])
}

function decode(body: Uint8Array): JoinAck {
  const fields = bodyFields(body, 'join-ack')
  const c = numberField(fields)
  const inviteId = fields.bytes('inviteId', 16)
  const state = STATES[fields.uint('state', STATES.length - 1)]
  const group = fields.optional('gid', 32)
  fields.end()
  if (state === undefined) malformed('join-ack: state')
  const welcome = state === 'pending' || state === 'accepted'
  if (welcome !== (group !== undefined)) malformed('join-ack: gid iff pending or accepted')
  return { c, inviteId, state, group }
}

export const joinAckFrame: ContentKind<JoinAck> = { kind: 0x1182, name: 'join-ack', encode, decode }
