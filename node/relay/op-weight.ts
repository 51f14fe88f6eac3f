// How much of a flush an operation takes, in deposits: what it reads, keeps in memory for its reply,
// or verifies. So a flush is bounded in time and memory whatever it is made of.
import type { RelayOp, UnknownOp } from '../../protocol/index.ts'

/** A reply of up to a whole frame: sixteen of them are 4 MiB. */
const FETCH_WEIGHT = 32
/** A reply of up to 20 KiB. */
const SHELF_WEIGHT = 4
/** A signature to verify, in deposits. */
const PROOF_WEIGHT = 4
/** Records of which one deposit reads or writes as many bytes. */
const RECORDS_PER_DEPOSIT = 8

export function weightOf(op: RelayOp | UnknownOp): number {
  switch (op.kind) {
    case 'fetch':
      return FETCH_WEIGHT
    case 'cardGet':
    case 'prekeyTake':
      return SHELF_WEIGHT
    case 'auth':
      return PROOF_WEIGHT * op.request.proofs.length
    case 'open':
      return PROOF_WEIGHT
    case 'ack':
      return Math.ceil(op.request.envIds.length / RECORDS_PER_DEPOSIT)
    case 'prekeyPut':
      return Math.ceil(op.request.items.length / RECORDS_PER_DEPOSIT)
    case 'hello':
    case 'desc':
    case 'close':
    case 'deposit':
    case 'sub':
    case 'credit':
    case 'unsub':
    case 'revoke':
    case 'cardPut':
    case 'prekeyCount':
    case 'ping':
    case 'invitePut':
    case 'inviteDelete':
    case 'ticket':
    case 'unknown':
      return 1
  }
}
