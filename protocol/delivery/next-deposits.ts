// What a device's outbox still owes one of its mailboxes (SPEC.md §10).
import { type Bytes16, type Bytes32, equalBytes } from '../../crypto/index.ts'
import type { Step, Turn } from '../step.ts'
import { type SealedCopy, sealedCopy } from './carriage.ts'
import { type OutboxItem, outboxItems } from './outbox.ts'

/** Items looked at, and copies made, in one turn. */
const SCAN_ITEMS = 256
const COPIES_MAX = 64

export interface NextDeposits {
  readonly copies: readonly SealedCopy[]
  /** Where to go on. */
  readonly from: number
  /** Nothing is left after these. */
  readonly done: boolean
}

function owes(item: OutboxItem, mailboxId: Bytes16): boolean {
  if (item.message === undefined || item.heldThere) return false
  return !item.deposits.some((one) => one.holds && equalBytes(one.mailboxId, mailboxId))
}

/** Seals up to 64 items, oldest first from a sequence on, for one mailbox of their device. */
export function* nextDeposits(
  turn: Turn,
  target: { readonly device: Bytes32; readonly serviceKey: Bytes32; readonly mailboxId: Bytes16 },
  from: number,
): Step<NextDeposits> {
  const items = yield* outboxItems(target.device, from, SCAN_ITEMS)
  const copies: SealedCopy[] = []
  let next = from
  for (const item of items) {
    if (copies.length >= COPIES_MAX) return { copies, from: next, done: false }
    next = item.sequence + 1
    if (!owes(item, target.mailboxId)) continue
    const copy = yield* sealedCopy(turn, item, target)
    if (copy !== undefined) copies.push(copy)
  }
  return { copies, from: next, done: items.length < SCAN_ITEMS }
}
