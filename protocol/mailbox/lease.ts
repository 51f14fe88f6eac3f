// How long a mailbox outlives the silence of its owners (SPEC.md §14.4).
import type { Bytes16 } from '../../crypto/index.ts'
import { LEASE_AWAY_DAYS_MAX, LEASE_DAYS } from './limits.ts'
import type { MailboxRecord } from './records.ts'
import { leases, mailboxes } from './tables.ts'
import type { MailboxTurn } from './turn.ts'

const DAY_S = 86_400

export function leaseEndS(turn: MailboxTurn, awayDays: number): number {
  return turn.nowS + Math.min(Math.max(LEASE_DAYS, awayDays), LEASE_AWAY_DAYS_MAX) * DAY_S
}

/** Stores a record with its lease in the index of leases. */
export function putLeased(turn: MailboxTurn, mailboxId: Bytes16, record: MailboxRecord): void {
  turn.put(mailboxes, mailboxId, record)
  const day = Math.min(Math.floor(record.leaseUntilS / DAY_S), 0xffff)
  turn.put(leases, { day, mailboxId }, new Uint8Array(0))
}
