// What one relay lets one mailbox, one capability and one connection use (SPEC.md §14.7, §15).
// Defaults: an operator may change them, the descriptor states the first group.

export interface LaneLimits {
  readonly rows: number
  readonly bytes: number
}

export interface MailboxLimits {
  /** Longest life of a row at a device mailbox, in seconds. */
  readonly ttlMaxS: number
  /** Lanes 0 contacts, 1 strangers, 2 own devices. */
  readonly lanes: readonly [LaneLimits, LaneLimits, LaneLimits]
  /** Whether lane 1 is open. */
  readonly strangers: boolean
  /** Rows of lane 0 that any capability may hold, whatever the others do. */
  readonly reservedRows: number
  /** What those rows may take beyond the lane. */
  readonly overflow: LaneLimits
  /** Rows of one invite claim that nobody acknowledged. */
  readonly claimRows: number
  readonly invites: number
  /** Uses of one invite: all its claims are in one record. */
  readonly inviteUses: number
  readonly revoked: number
  /** One-time prekeys of one class. */
  readonly prekeysPerClass: number
  /** The last of a class are for holders of a capability or an invite. */
  readonly prekeysKept: number
  /** Life of every row at a group's mailbox, in seconds: one for all, so that they end in order. */
  readonly groupTtlS: number
  /** How long the relay answers for a row of a group, in seconds; at most groupTtlS. */
  readonly groupHoldS: number
  /** Bytes of one group's mailbox, each row with RING_ROW_BYTES. */
  readonly ringBytes: number
  /** Part of the ring that one writer's rows under hold may take. */
  readonly ringShare: number
  /** Group mailboxes and unused tickets that one device mailbox is charged with. */
  readonly groupsPerAccount: number
  /** Life of a ticket, in seconds. */
  readonly ticketLifeS: number
  /** Acknowledged marks of one capability; beyond, the oldest go. */
  readonly ackedMarks: number
  /** Bytes of all mailboxes as parts of the disk allowed: lane 1, OPEN, DEPOSIT refused from there. */
  readonly diskStrangers: number
  readonly diskOpen: number
  readonly diskDeposit: number
}

const MEBIBYTE: number = 1 << 20

export const MAILBOX_LIMITS: MailboxLimits = {
  ttlMaxS: 30 * 86_400,
  lanes: [
    { rows: 20_000, bytes: 64 * MEBIBYTE },
    { rows: 50, bytes: MEBIBYTE },
    { rows: 5_000, bytes: 64 * MEBIBYTE },
  ],
  strangers: true,
  reservedRows: 64,
  overflow: { rows: 256 * 64, bytes: 16 * MEBIBYTE },
  claimRows: 64,
  invites: 64,
  inviteUses: 4_096,
  revoked: 1_024,
  prekeysPerClass: 512,
  prekeysKept: 20,
  groupTtlS: 14 * 86_400,
  groupHoldS: 72 * 3_600,
  ringBytes: 128 * MEBIBYTE,
  ringShare: 1 / 16,
  groupsPerAccount: 32,
  ticketLifeS: 7 * 86_400,
  ackedMarks: 40_000,
  diskStrangers: 0.85,
  diskOpen: 0.9,
  diskDeposit: 0.97,
}

/** Days a lease lasts without an AUTH, and at most where its owner announced an absence. */
export const LEASE_DAYS = 90
export const LEASE_AWAY_DAYS_MAX = 180
/** Sequence numbers reserved at once: the row is rewritten once per block, not per deposit. */
export const SEQ_BLOCK = 1_000
/** How long a depositor is told to wait where there is no room; ROOM comes earlier if it can. */
export const QUOTA_RETRY_MS = 60_000
/** How long to wait while a closed mailbox is being emptied. */
export const CLOSING_RETRY_MS = 1_000
/** ROOM is pushed when a lane falls below this part of its rows and bytes. */
export const ROOM_BELOW = 0.9
/** What a row of a ring counts beside its envelope: also a stub takes room. */
export const RING_ROW_BYTES = 128
/** Bytes under hold are counted by this many seconds: a writer's row counts until its hour is over. */
export const HOLD_SPAN_S = 3_600
/** Longest wait told to a writer whom the ring has no room for. */
export const RING_RETRY_MAX_MS: number = 15 * 60_000
/** Rows beyond their hold that a deposit drops where the disk fills, from diskStrangers on. */
export const RING_RELIEF_ROWS = 64
/** Front rows of a ring read at once: at most 1 MiB in memory, and mostly the first is enough. */
export const RING_PAGE = 16
/** Marks read at once where a mailbox is scanned. */
export const SCAN_PAGE = 1_000
/** Rows read at once by FETCH and by pushing: at most 4 MiB in memory. */
export const READ_PAGE = 64
