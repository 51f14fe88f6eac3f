// The latest warning of each kind, and of each contact where it is about one: what `status` and
// `contact show` tell long after the change feed moved on. In the batch of the change itself.
import { type Bytes32, EMPTY, concat, encodeText } from '../../crypto/index.ts'
import { type Change, type Step, type Table, type Turn, range } from '../../protocol/index.ts'
import { type ChangeRow, changes, decodeChangeRow, encodeChangeRow } from './change-feed.ts'
import { NOTICES_KEEP_MS, NOTICES_MAX } from './limits.ts'
import type { Overlay } from './overlay.ts'
import { written } from './turns.ts'

type Warning = Extract<Change, { kind: 'warning' }>

export interface Notice extends ChangeRow {
  readonly change: Warning
}

/** By code and account; the account is empty where a warning is about nobody. */
const notices: Table<{ readonly code: string; readonly account?: Bytes32 }, ChangeRow> = {
  name: 'notices',
  sealing: 'value',
  place: ({ code, account }) => ({
    owner: EMPTY,
    order: concat(encodeText(code.slice(0, 64)), account ?? EMPTY),
  }),
  encode: encodeChangeRow,
  decode: decodeChangeRow,
}

export function isNotice(row: ChangeRow): row is Notice {
  return row.change.kind === 'warning'
}

/** The latest warnings of the last 14 days by the wall clock, newest first. */
export function* recentNotices(turn: Turn): Step<readonly Notice[]> {
  const rows = yield* range(notices, { owner: EMPTY, limit: NOTICES_MAX })
  return rows
    .map(({ value }) => value)
    .filter(isNotice)
    .filter(({ atMs }) => Math.abs(turn.nowMs - atMs) < NOTICES_KEEP_MS)
    .toSorted((a, b) => b.cursor - a.cursor)
}

/** Puts a change into its batch: its row of the feed, and of a warning its notice. */
export function noteChange(overlay: Overlay, row: ChangeRow): void {
  const { change, cursor } = row
  overlay.set(written(changes as Table<never, unknown>, changes.place(cursor), row))
  if (change.kind !== 'warning') return
  overlay.set(written(notices as Table<never, unknown>, notices.place(change), row))
}
