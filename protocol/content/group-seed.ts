// Frame 0x1180, group-seed (numbered): an operation that makes an epoch, and its secret, in one piece
// and over a one-to-one session only (SPEC.md §20.9).
//
// [c, GroupOp bstr, secretKind (0 seed, 1 E), secret32, G32|""]
import { type Bytes32, encodeCbor, malformed, GROUP_OP_MAX_BYTES } from '../../crypto/index.ts'
import { bodyFields, numberField, optionalBytes } from './fields.ts'
import type { ContentKind } from './kind.ts'

export interface GroupSeed {
  readonly c: number
  /** An encoded GroupOp, not yet checked. */
  readonly operation: Uint8Array
  /** The seed of a fresh operation, or the epoch secret E. */
  readonly secretKind: 'seed' | 'epoch'
  readonly secret: Bytes32
  /** G, for a device that may not have the lineage. */
  readonly lineage: Bytes32 | undefined
}

function encode(seed: GroupSeed): Uint8Array<ArrayBuffer> {
  return encodeCbor([
    seed.c,
    seed.operation,
    seed.secretKind === 'seed' ? 0 : 1,
    seed.secret,
    optionalBytes(seed.lineage),
  ])
}

function decode(body: Uint8Array): GroupSeed {
  const fields = bodyFields(body, 'group-seed')
  const c = numberField(fields)
  const operation = fields.bytes('operation', 1, GROUP_OP_MAX_BYTES)
  const secretKind = fields.uint('secretKind', 1) === 0 ? 'seed' : 'epoch'
  const secret = fields.bytes('secret', 32)
  const lineage = fields.optional('G', 32)
  fields.end()
  if (secretKind === 'seed' && lineage !== undefined) malformed('group-seed: G beside a seed')
  return { c, operation, secretKind, secret, lineage }
}

export const groupSeedFrame: ContentKind<GroupSeed> = {
  kind: 0x1180,
  name: 'group-seed',
  encode,
  decode,
}
