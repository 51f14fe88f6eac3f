// What a user of a group's mailbox hands in and gets back (SPEC.md §14.8).
import type { Bytes8, Bytes16, Bytes32 } from '../../crypto/index.ts'
import type {
  CustodyEvidence,
  Found,
  GroupCursor,
  RelayItem,
  SeqSpan,
} from '../../protocol/index.ts'
import type { Core } from '../core.ts'
import type { Courier } from './courier.ts'

/** A relay that carries a group, as its `carriage` names it. */
export interface GroupRelay {
  readonly serviceKey: Bytes32
  readonly addresses: readonly string[]
}

/** Items in the order of the queue, and the cursor behind the last of them. */
export interface GroupPage {
  /** Stubs (empty env: replaced by their writer) among them. */
  readonly items: readonly RelayItem[]
  readonly cursor: GroupCursor
}

export interface GroupMailboxHandlers {
  /** Resolves when items and cursor are durable, in one batch. Where it rejects, they come again. */
  readonly onItems: (page: GroupPage) => Promise<void>
  /** Everything was read, and the relay's chain is ours. The cursor may be ahead of the last page's. */
  readonly onDrained?: (cursor: GroupCursor) => void | Promise<void>
  /** These were dropped before we read them: to be had from members. */
  readonly onMissing?: (span: SeqSpan) => void
  /** The relay's queue is not the one read before: read from its front, own entries to be deposited again. */
  readonly onRestart?: () => void
  /** The relay contradicts itself, or others: to be scored down. */
  readonly onLie?: (reason: string) => void
  /** A deposit that was answered `quota` may be tried again. */
  readonly onRoom?: () => void
  /** `read` only: the mailbox is not there any more. */
  readonly onGone?: () => void
}

export interface GroupMailboxOptions {
  readonly core: Pick<Core, 'clock' | 'random' | 'provider' | 'log' | 'stopping'>
  readonly courier: Pick<Courier, 'hold'>
  readonly relay: GroupRelay
  /** G: 32 bytes. */
  readonly lineageSecret: Bytes32
  /** `open`: made where it is not there. `read`: of a lineage that is over. */
  readonly mode: 'open' | 'read'
  /** As it was last made durable; undefined: from the front. */
  readonly cursor: GroupCursor | undefined
  readonly handlers: GroupMailboxHandlers
  /** A ticket of this relay, asked for only where the mailbox has to be made; without one: work. */
  readonly ticket?: () => Promise<Uint8Array | undefined>
}

export interface GroupDeposit {
  readonly envId: Bytes32
  /** The group message as it is: nothing is sealed. */
  readonly env: Uint8Array
  /** This device's pseudonym in the lineage. */
  readonly capId: Bytes8
  /** Replaces what capId deposited under the same 16 bytes. */
  readonly coalesce?: Bytes16
}

export type GroupDepositOutcome =
  | {
      readonly kind: 'held'
      readonly serviceKey: Bytes32
      readonly evidence: CustodyEvidence
      readonly incarnation: Bytes8
      readonly seq: number
      /** 8 bytes. */
      readonly chain: Bytes8
      /** Unix seconds. */
      readonly holdUntilS: number
      readonly found: Found
    }
  | {
      readonly kind: 'failed'
      readonly serviceKey: Bytes32
      /** A status (`quota`: the ring is full), or why it was not reached. */
      readonly reason: string
      readonly retryAfterMs: number
    }
