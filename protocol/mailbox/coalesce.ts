// Replacing an own earlier deposit (SPEC.md §14.2, B8): at a device mailbox the row goes and its mark
// says so; in a group's ring the row stays as a stub, since a chain has no holes.
import { type Bytes8, type Bytes16, EMPTY } from '../../crypto/index.ts'
import { type Step, get } from '../step.ts'
import type { MailboxCounters } from './counters.ts'
import { RING_ROW_BYTES } from './limits.ts'
import type { MarkRecord, RowRecord } from './records.ts'
import { coalesced, marks, rows } from './tables.ts'
import type { MailboxTurn } from './turn.ts'

/** A row that a deposit replaces. */
export interface Replaced {
  readonly seq: number
  readonly row: RowRecord
  readonly mark: MarkRecord
}

/** The row under this key of this share, where it is still there. */
export function* findReplaced(
  mailboxId: Bytes16,
  place: { readonly share: Bytes8 | undefined; readonly coalesce: Bytes16 | undefined },
): Step<Replaced | undefined> {
  const { share, coalesce } = place
  if (share === undefined || coalesce === undefined) return undefined
  const seq = yield* get(coalesced, { mailboxId, share, coalesce })
  const row = seq === undefined ? undefined : yield* get(rows, { mailboxId, seq })
  if (seq === undefined || row === undefined || row.env.length === 0) return undefined
  const mark = yield* get(marks, { mailboxId, envId: row.envId })
  return mark?.seq === seq && mark.held ? { seq, row, mark } : undefined
}

/** Takes a replaced row's body away; its mark, as it is now. */
export function applyReplaced(
  turn: MailboxTurn,
  mailboxId: Bytes16,
  counters: MailboxCounters,
  replaced: Replaced,
): MarkRecord {
  const { seq, row, mark } = replaced
  const { coalesce: _over, ...kept } = mark
  const isRing = row.ring !== undefined
  const after = { ...kept, held: false, ...(isRing ? { sizeBytes: RING_ROW_BYTES } : {}) }
  if (isRing) turn.put(rows, { mailboxId, seq }, { ...row, env: EMPTY })
  else turn.remove(rows, { mailboxId, seq })
  turn.put(marks, { mailboxId, envId: row.envId }, after)
  counters.remove(mark)
  counters.add(after)
  return after
}

/** Forgets the key of a mark whose row goes, unless a later row has it. */
export function* forgetCoalesced(
  turn: MailboxTurn,
  mailboxId: Bytes16,
  mark: MarkRecord,
): Step<void> {
  const { share, coalesce } = mark
  if (share === undefined || coalesce === undefined) return
  const key = { mailboxId, share, coalesce }
  if ((yield* get(coalesced, key)) === mark.seq) turn.remove(coalesced, key)
}
