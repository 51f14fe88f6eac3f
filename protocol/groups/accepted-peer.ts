// Accepted peer (SPEC.md §3): an accepted contact, or a co-member, whose group frames are heard.
import type { Bytes32 } from '../../crypto/index.ts'
import { contactOf, isAccepted } from '../contacts/contact.ts'
import type { Step, Turn } from '../step.ts'
import { isCoMember } from './co-members.ts'

/** Whether receipts and resets are owed to an account's devices. */
export function* isAcceptedPeer(turn: Turn, account: Bytes32): Step<boolean> {
  return isAccepted(yield* contactOf(account)) || (yield* isCoMember(turn, account))
}
