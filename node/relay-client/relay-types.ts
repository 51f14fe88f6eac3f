// What a caller of the relay client hands in and gets back.
import type { Bytes8, Bytes16, Bytes32, CryptoProvider, Random } from '../../crypto/index.ts'
import type {
  CustodyEvidence,
  MailboxType,
  RelayFailure,
  RelayItem,
  Found,
} from '../../protocol/index.ts'
import type { Clock } from '../clock.ts'
import type { Host } from '../transport.ts'
import type { ExpectedRelay } from './relay-identity.ts'

export interface ConnectRelayOptions {
  readonly host: Host
  /** multiaddr, with /p2p/PeerId where the relay is known by it alone. */
  readonly address: string
  readonly expected: ExpectedRelay
  readonly clock: Clock
  readonly provider: CryptoProvider
  readonly random: Random
  readonly signal?: AbortSignal
}

/** What a depositor holds: a capability, an invite with its claim, or the will to work. */
export type DepositRight =
  | {
      readonly kind: 'capability'
      readonly capId: Bytes8
      readonly capKey: Bytes32
      readonly expiresS: number
    }
  | {
      readonly kind: 'invite'
      readonly capId: Bytes8
      readonly capKey: Bytes32
      readonly claim: Bytes16
    }
  | { readonly kind: 'work' }

export interface Deposit {
  readonly mailboxId: Bytes16
  readonly envId: Bytes32
  readonly lane: number
  readonly ttlS: number
  readonly auth: DepositRight
  readonly env: Uint8Array
  /** Replaces what this right deposited under the same 16 bytes. */
  readonly coalesce?: Bytes16
  /** Wakes the recipient where the relay can. */
  readonly urgent?: boolean
}

export type DepositResult =
  | {
      readonly kind: 'stored' | 'dup'
      readonly evidence: CustodyEvidence
      readonly incarnation: Bytes8
      /** Unix seconds. */
      readonly holdUntilS: number
      readonly seq: number
      /** Of a group's mailbox. */
      readonly chain: Bytes8 | undefined
      readonly found: Found
    }
  /** It answered, but what it signed does not hold: the deposit counts as not made. */
  | { readonly kind: 'unproven' }
  | RelayFailure

export interface TakeRequest {
  readonly mailboxId: Bytes16
  /** 1 for work, the capability's otherwise; 0 for an invite. */
  readonly lane: number
  readonly auth: DepositRight
  /** Bit 0 card, 1 OPK, 2 OKEM. */
  readonly classes: number
  readonly signal?: AbortSignal
}

export interface OpenMailbox {
  readonly type: MailboxType
  readonly secret: Bytes32 | undefined
  readonly gen: number
  readonly awayDays: number
  /** Operator's ticket, instead of work. */
  readonly ticket?: Uint8Array
  readonly ttlS?: number
}

export interface OpenedMailbox {
  readonly mailboxId: Bytes16
  readonly incarnation: Bytes8
  readonly leaseUntilS: number
}

/** The head of a mailbox, once all of it was pushed. */
export interface DrainedHead {
  readonly incarnation: Bytes8
  readonly headSeq: number
  /** Of a group's mailbox. */
  readonly chain: Bytes8 | undefined
}

/** How much may be on its way at once. */
export interface Credit {
  readonly messages: number
  readonly bytes: number
}

export interface SubscriptionHandlers {
  /** Items in order. Credit is the caller's to renew, after its durable batch. */
  readonly onItems: (items: readonly RelayItem[]) => void
  readonly onDrained: (head: DrainedHead) => void
  /** 0 displaced, 1 closed, 2 re-created, 3 no credit for too long. */
  readonly onEnd: (reason: number) => void
  /** A deposit of ours there was answered `quota`, and there is room again. */
  readonly onRoom?: () => void
  /** What was deposited for whoever is there now, and is stored nowhere. */
  readonly onEphemeral?: (env: Uint8Array) => void
}

export interface Subscription {
  readonly incarnation: Bytes8
  readonly headSeq: number
  /** Of a group's mailbox: everything up to here is gone, and the chain there. */
  readonly trimmedUpTo: number
  readonly trimChain: Bytes32 | undefined
  /** Taken and durable. Told to the relay once it is half of what it was given to begin with. */
  credit(messages: number, bytes: number): void
  stop(): Promise<void>
}

export interface ConnectionEvents {
  /** The relay ends soon: use another. */
  readonly onGoAway?: (graceMs: number) => void
  /** A mailbox that answered `quota` has room again. */
  readonly onRoom?: (mailboxId: Bytes16) => void
}
