// The chain of a group's mailbox (SPEC.md §14.8): one hash over the ids of everything it ever took,
// in order. A relay that hides, adds or swaps an item shows another chain from there on, to the
// reader who computes it and to members who compare theirs.
import {
  type Bytes8,
  type Bytes16,
  type Bytes32,
  type CryptoProvider,
  label,
} from '../../crypto/index.ts'

/** Before the first item: H(L("chain") ‖ mailboxId ‖ incarnation). 32 bytes. */
export function startChain(
  provider: CryptoProvider,
  mailboxId: Bytes16,
  incarnation: Bytes8,
): Bytes32 {
  return provider.sha256(label('chain'), mailboxId, incarnation)
}

/** Behind one more item: H(chain ‖ envId). 32 bytes. */
export function extendChain(provider: CryptoProvider, chain: Bytes32, envId: Bytes32): Bytes32 {
  return provider.sha256(chain, envId)
}

/** What is told of a chain: its first 8 bytes. */
export function chainMark(chain: Bytes32): Bytes8 {
  return chain.slice(0, 8)
}
