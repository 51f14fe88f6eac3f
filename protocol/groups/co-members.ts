// Who is an accepted peer without being a contact (SPEC.md §21): the accounts of the groups one is in,
// of the link by which one asks to join, of those whose join is judged here, and of those removed in
// the last 30 days, who are owed their removal. They are heard for group frames only.
import { type Bytes32, EMPTY, equalBytes } from '../../crypto/index.ts'
import { CO_MEMBER_TIES_MAX } from '../group-limits.ts'
import { encodeRecord, readList, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get } from '../step.ts'

/** What ties an account to us: a group, or (by our number for it) one that was not told yet. */
interface Tie {
  /** gid, or the invite's id of a join that is under way. */
  readonly reason: Uint8Array
  /** Guarded clock; 0: for as long as it is not taken back. */
  readonly endsAtMs: number
}

const ties: Table<Bytes32, readonly Tie[]> = {
  name: 'co-members',
  sealing: 'value',
  place: (account) => ({ owner: account, order: EMPTY }),
  encode: (rows) => encodeRecord([rows.map(({ reason, endsAtMs }) => [reason, endsAtMs])]),
  decode: (bytes) =>
    readList(readRecord(bytes, 'co-member'), 'ties', CO_MEMBER_TIES_MAX, (one) => ({
      reason: one.bytes('reason', 16, 32),
      endsAtMs: one.uint('endsAt'),
    })),
}

/** Ties an account to us, in place of what the same reason said before. */
export function* tie(
  turn: Turn,
  account: Bytes32,
  reason: Uint8Array,
  endsAtMs: number,
): Step<void> {
  if (equalBytes(account, turn.self.account)) return
  const before = (yield* get(ties, account)) ?? []
  const same = before.find((one) => equalBytes(one.reason, reason))
  if (same?.endsAtMs === endsAtMs) return
  const standing = before.filter((one) => one !== same && lasts(one, turn.safeNowMs))
  const next = [...standing, { reason, endsAtMs }].slice(-CO_MEMBER_TIES_MAX)
  turn.put(ties, account, next)
}

export function* untie(turn: Turn, account: Bytes32, reason: Uint8Array): Step<void> {
  const before = (yield* get(ties, account)) ?? []
  const next = before.filter((one) => !equalBytes(one.reason, reason))
  if (next.length === before.length) return
  if (next.length === 0) turn.remove(ties, account)
  else turn.put(ties, account, next)
}

function lasts(one: Tie, safeNowMs: number): boolean {
  return one.endsAtMs === 0 || one.endsAtMs > safeNowMs
}

/** Whether an account's devices are heard for group frames. */
export function* isCoMember(turn: Turn, account: Bytes32): Step<boolean> {
  const rows = yield* get(ties, account)
  return rows?.some((one) => lasts(one, turn.safeNowMs)) ?? false
}
