// Who asked to join by a link and waits for an admin (SPEC.md §21): kept for 14 days, a hundred of
// them in a group at most.
import { type Bytes16, type Bytes32, equalBytes, u64 } from '../../crypto/index.ts'
import { NAME_MAX_BYTES } from '../limits.ts'
import { JOINS_PENDING_MAX, JOINS_PENDING_MS } from '../group-limits.ts'
import { encodeRecord, readRecord, text, textField } from '../record.ts'
import { type Step, type Table, type Turn, range } from '../step.ts'

export interface PendingJoin {
  readonly number: number
  readonly account: Bytes32
  readonly inviteId: Bytes16
  /** The name it gave itself. */
  readonly name: string
  readonly atMs: number
  /** Guarded clock. */
  readonly safeAtMs: number
  /** Whether this device made the link: then it answers. */
  readonly ours: boolean
}

const joins: Table<{ gid: Bytes32; number: number }, PendingJoin> = {
  name: 'group-joins',
  sealing: 'value',
  place: ({ gid, number }) => ({ owner: gid, order: u64(number) }),
  encode: (row) =>
    encodeRecord([
      row.number,
      row.account,
      row.inviteId,
      text(row.name),
      row.atMs,
      row.safeAtMs,
      row.ours ? 1 : 0,
    ]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'pending join')
    return {
      number: fields.uint('number'),
      account: fields.bytes('account', 32),
      inviteId: fields.bytes('inviteId', 16),
      name: textField(fields, 'name', NAME_MAX_BYTES),
      atMs: fields.uint('at'),
      safeAtMs: fields.uint('safeAt'),
      ours: fields.flag('ours'),
    }
  },
}

/** Those that have not lapsed, oldest first. */
export function* pendingJoins(turn: Turn, gid: Bytes32): Step<readonly PendingJoin[]> {
  const rows = yield* range(joins, { owner: gid, limit: JOINS_PENDING_MAX + 1 })
  return rows
    .map(({ value }) => value)
    .filter(({ safeAtMs }) => turn.safeNowMs - safeAtMs < JOINS_PENDING_MS)
}

export function* pendingJoinOf(
  turn: Turn,
  gid: Bytes32,
  account: Bytes32,
): Step<PendingJoin | undefined> {
  const all = yield* pendingJoins(turn, gid)
  return all.find((one) => equalBytes(one.account, account))
}

/** Keeps a join, but none that a member tells of in the place of one's own; false where too many wait. */
export function* keepJoin(
  turn: Turn,
  gid: Bytes32,
  join: Pick<PendingJoin, 'account' | 'inviteId' | 'name' | 'ours'>,
): Step<boolean> {
  const rows = (yield* range(joins, { owner: gid, limit: JOINS_PENDING_MAX + 1 })).map(
    ({ value }) => value,
  )
  const same = rows.find((one) => equalBytes(one.account, join.account))
  const lapsed = rows.filter((one) => turn.safeNowMs - one.safeAtMs >= JOINS_PENDING_MS)
  for (const { number } of lapsed) turn.remove(joins, { gid, number })
  if (same === undefined && rows.length - lapsed.length >= JOINS_PENDING_MAX) return false
  // Whoever asked here is known by its own word, not by what a member says of it.
  const isToldHere = same?.ours === true && !lapsed.includes(same)
  if (isToldHere && !join.ours) return true
  const number = same?.number ?? (rows.at(-1)?.number ?? 0) + 1
  const at = { atMs: turn.nowMs, safeAtMs: turn.safeNowMs }
  turn.put(joins, { gid, number }, { ...join, number, ...at })
  return true
}

export function dropJoin(turn: Turn, gid: Bytes32, number: number): void {
  turn.remove(joins, { gid, number })
}
