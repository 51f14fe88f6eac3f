// Heads of operations that members named and that are not here (SPEC.md §21): a hint that something
// is to be asked for. Bounded, and forgotten when they came or a week passed: they may be a lie.
import { type Bytes32, EMPTY, equalBytes } from '../../crypto/index.ts'
import { UNKNOWN_HEADS_MAX, UNKNOWN_HEAD_LIFE_MS } from '../group-limits.ts'
import { encodeRecord, readList, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get } from '../step.ts'
import type { Membership } from './membership.ts'

interface NamedHead {
  readonly id: Bytes32
  /** Guarded clock. */
  readonly atMs: number
}

const named: Table<Bytes32, readonly NamedHead[]> = {
  name: 'group-heads',
  sealing: 'value',
  place: (gid) => ({ owner: gid, order: EMPTY }),
  encode: (rows) => encodeRecord([rows.map(({ id, atMs }) => [id, atMs])]),
  decode: (bytes) =>
    readList(readRecord(bytes, 'named heads'), 'heads', UNKNOWN_HEADS_MAX, (one) => ({
      id: one.bytes('id', 32),
      atMs: one.uint('at'),
    })),
}

/** Notes heads that somebody named and that are not held. */
export function* noteHeads(turn: Turn, members: Membership, heads: readonly Bytes32[]): Step<void> {
  const before = (yield* get(named, members.gid)) ?? []
  const fresh = heads.filter(
    (head) => members.op(head) === undefined && !before.some(({ id }) => equalBytes(id, head)),
  )
  if (fresh.length === 0) return
  const rows = [...before, ...fresh.map((id) => ({ id, atMs: turn.safeNowMs }))]
  turn.put(named, members.gid, rows.slice(-UNKNOWN_HEADS_MAX))
  turn.effect({ kind: 'group', gid: members.gid })
}

/** Those that are still missing. */
export function* unknownHeads(turn: Turn, members: Membership): Step<readonly Bytes32[]> {
  const rows = yield* get(named, members.gid)
  if (rows === undefined) return []
  return rows
    .filter(({ id, atMs }) => {
      return members.op(id) === undefined && turn.safeNowMs - atMs < UNKNOWN_HEAD_LIFE_MS
    })
    .map(({ id }) => id)
}
