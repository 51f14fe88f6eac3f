// What one side of a session remembers between messages (SPEC.md §6). Immutable: a step makes a new
// state, and the old one stands until its batch is durable.
import type { Bytes16, Bytes32 } from './bytes.ts'
import type { PqState } from './pq-rekey.ts'

export interface DhPair {
  readonly secret: Bytes32
  readonly publicKey: Bytes32
}

/** HKs, CKs, EPHs and Ns. */
export interface SendingChain {
  readonly headerKey: Bytes32
  readonly chainKey: Bytes32
  readonly ephemeralKey: Bytes32
  readonly count: number
}

/** HKr, CKr, EPHr and Nr, with the skipped seeds of this chain that are still stored. */
export interface ReceivingChain {
  readonly headerKey: Bytes32
  readonly chainKey: Bytes32
  readonly ephemeralKey: Bytes32
  readonly count: number
  readonly outstanding: number
}

/** A chain the peer left: its header key lives as long as one of its skipped seeds. */
export interface OldChain {
  readonly number: number
  readonly headerKey: Bytes32
  readonly outstanding: number
}

export interface RatchetState {
  readonly sid: Bytes16
  /** AD: associated data of everything in the session. */
  readonly ad: Bytes32
  readonly rootKey: Bytes32
  /** DHs; undefined while a sending half step is due: its secret goes with the receiving half. */
  readonly own: DhPair | undefined
  /** DHr; undefined at the responder before the first message. */
  readonly remote: Bytes32 | undefined
  readonly sending: SendingChain | undefined
  readonly receiving: ReceivingChain | undefined
  /** NHKs and NHKr. */
  readonly nextSendingKey: Bytes32
  readonly nextReceivingKey: Bytes32
  /** EPHr': opens ephemeral messages sent before the peer's last step. */
  readonly oldEphemeralKey: Bytes32 | undefined
  /** Messages of the sending chain before the present one: PN. */
  readonly previousCount: number
  /** Number of the present receiving chain, from 1; 0 before there is one. */
  readonly chainNumber: number
  /** Oldest first. */
  readonly oldChains: readonly OldChain[]
  /** Something was received. */
  readonly confirmed: boolean
  readonly pqEpoch: number
  readonly pq: PqState
  /** When the last post-quantum epoch began (the handshake is one), Unix ms. */
  readonly pqSinceMs: number
  /** Messages sent and received since. */
  readonly pqMessages: number
}

/** A message seed kept for a message that has not come yet; stored apart from the state. */
export interface SkippedSeed {
  readonly chain: number
  readonly n: number
  readonly seed: Bytes32
}

/** Skipped seeds stored beside a state. */
export function countSkipped(state: RatchetState): number {
  return state.oldChains.reduce(
    (total, chain) => total + chain.outstanding,
    state.receiving?.outstanding ?? 0,
  )
}

/**
 * The state after `count` stored seeds of a chain went, used or expired. An old chain without any
 * is complete: its header key goes at once.
 */
export function dropSkipped(state: RatchetState, chain: number, count: number): RatchetState {
  const { receiving } = state
  if (chain === state.chainNumber && receiving !== undefined) {
    return { ...state, receiving: { ...receiving, outstanding: receiving.outstanding - count } }
  }
  const oldChains = state.oldChains
    .map((old) => (old.number === chain ? { ...old, outstanding: old.outstanding - count } : old))
    .filter((old) => old.outstanding > 0)
  return { ...state, oldChains }
}
