// A newcomer whose adder is gone before it told the group (SPEC.md §21.3): where the operation that
// brought it in is not seen in the group's mailbox in time, the newcomer puts it there itself.
import { type Bytes32, EMPTY, equalBytes } from '../../crypto/index.ts'
import { ADDING_TOLD_AFTER_MS } from '../group-limits.ts'
import { encodeRecord, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get } from '../step.ts'
import type { Membership } from './membership.ts'
import { spread } from './operate.ts'

interface UntoldAdding {
  readonly opId: Bytes32
  /** Guarded clock. */
  readonly sinceMs: number
}

const untold: Table<Bytes32, UntoldAdding> = {
  name: 'untold-adding',
  sealing: 'value',
  place: (gid) => ({ owner: gid, order: EMPTY }),
  encode: ({ opId, sinceMs }) => encodeRecord([opId, sinceMs]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'untold adding')
    return { opId: fields.bytes('opId', 32), sinceMs: fields.uint('since') }
  },
}

/** Notes by which operation this device came in. */
export function noteAdding(turn: Turn, gid: Bytes32, opId: Bytes32): void {
  turn.put(untold, gid, { opId, sinceMs: turn.safeNowMs })
}

/** Operations were read in the group's mailbox: one that is there needs no telling. */
export function* seeAdding(
  turn: Turn,
  members: Membership,
  operations: readonly Uint8Array[],
): Step<void> {
  const row = yield* get(untold, members.gid)
  const op = row && members.op(row.opId)
  if (op === undefined) return
  if (operations.some((bytes) => equalBytes(bytes, op.bytes))) turn.remove(untold, members.gid)
}

/** Tells the group where it is time to; when to look again, guarded clock. */
export function* tellAdding(turn: Turn, members: Membership): Step<number | undefined> {
  const row = yield* get(untold, members.gid)
  if (row === undefined) return undefined
  const dueMs = row.sinceMs + ADDING_TOLD_AFTER_MS
  if (dueMs > turn.safeNowMs) return dueMs
  turn.remove(untold, members.gid)
  const op = members.op(row.opId)
  if (op !== undefined) yield* spread(turn, members, op)
  return undefined
}
