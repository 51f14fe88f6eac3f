// Frame 0x1003, reset: a new session begins because the old one could not be read; this is what is
// had, everything above is to be encrypted again (SPEC.md §5).
//
// [1, [[conv32|"", author DK32|"", n]] <=256, [lost sid16] <=8] +
import {
  type Bytes16,
  type Bytes32,
  type CborValue,
  encodeCbor,
  FieldReader,
  malformed,
} from '../../crypto/index.ts'
import { LAMPORT_MAX, RESET_ENTRIES_MAX, RESET_SESSIONS_MAX } from '../limits.ts'
import { conversationField, optionalBytes, versionedFields } from './fields.ts'
import type { ContentKind } from './kind.ts'

export interface ResetPosition {
  readonly conversation: Bytes32 | undefined
  /** The author's DK; undefined is the device that the reset goes to. */
  readonly author: Bytes32 | undefined
  /** Entries 1..n are held. */
  readonly n: number
}

export interface Reset {
  readonly positions: readonly ResetPosition[]
  /** Ids of sessions that the sender can no longer read. */
  readonly lost: readonly Bytes16[]
}

function encode(reset: Reset): Uint8Array<ArrayBuffer> {
  const positions = reset.positions.map((position) => [
    optionalBytes(position.conversation),
    optionalBytes(position.author),
    position.n,
  ])
  return encodeCbor([1, positions, reset.lost])
}

function decode(body: Uint8Array): Reset {
  const fields = versionedFields(body, 'reset')
  const positions = fields.array('positions', 0, RESET_ENTRIES_MAX).map(decodePosition)
  const lost = fields.array('lost', 0, RESET_SESSIONS_MAX).map((sid) => {
    if (!(sid instanceof Uint8Array) || sid.length !== 16) malformed('reset.lost: not 16 bytes')
    return sid
  })
  return { positions, lost }
}

function decodePosition(value: CborValue): ResetPosition {
  const fields = new FieldReader(value, 'reset position')
  const position = {
    conversation: conversationField(fields),
    author: fields.optional('author', 32),
    n: fields.uint('n', LAMPORT_MAX),
  }
  fields.end()
  return position
}

export const resetFrame: ContentKind<Reset> = { kind: 0x1003, name: 'reset', encode, decode }
