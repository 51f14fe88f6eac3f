// By what right something is deposited or taken (SPEC.md §12.4): a capability's MAC, proof of work
// (lane 1), or an invite's MAC with the claim of its holder.
import {
  type Bytes8,
  type Bytes16,
  type Bytes32,
  type CborValue,
  FieldReader,
  malformed,
} from '../../crypto/index.ts'

export type DepositAuth =
  | {
      readonly kind: 'capability'
      readonly capId: Bytes8
      /** Unix seconds. */
      readonly expiresS: number
      readonly mac: Bytes32
    }
  | { readonly kind: 'work'; readonly hour: number; readonly nonce: Bytes8 }
  | {
      readonly kind: 'invite'
      readonly capId: Bytes8
      readonly claim: Bytes16
      readonly mac: Bytes32
    }

const UINT32_MAX = 0xffffffff

export function encodeDepositAuth(auth: DepositAuth): CborValue {
  switch (auth.kind) {
    case 'capability':
      return [1, auth.capId, auth.expiresS, auth.mac]
    case 'work':
      return [2, auth.hour, auth.nonce]
    case 'invite':
      return [4, auth.capId, auth.claim, auth.mac]
  }
}

export function decodeDepositAuth(fields: FieldReader): DepositAuth {
  const kind = fields.uint('kind', 255)
  switch (kind) {
    case 1:
      return {
        kind: 'capability',
        capId: fields.bytes('capId', 8),
        expiresS: fields.uint('exp', UINT32_MAX),
        mac: fields.bytes('mac', 32),
      }
    case 2:
      return {
        kind: 'work',
        hour: fields.uint('hour', UINT32_MAX),
        nonce: fields.bytes('nonce', 8),
      }
    case 4:
      return {
        kind: 'invite',
        capId: fields.bytes('capId', 8),
        claim: fields.bytes('claim', 16),
        mac: fields.bytes('mac', 32),
      }
    default:
      return malformed(`auth: kind ${kind}`)
  }
}
