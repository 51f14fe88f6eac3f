// Entries of our own that no epoch could carry yet: "waiting for the group's key" (SPEC.md §21). They
// are in the log already, and go out in order when there is an epoch to send in.
import { type Bytes32, u64 } from '../../crypto/index.ts'
import { encodeRecord, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, range } from '../step.ts'

export interface WaitingEntry {
  readonly entry: Bytes32
  readonly n: number
}

const waiting: Table<{ gid: Bytes32; n: number }, WaitingEntry> = {
  name: 'group-waiting',
  sealing: 'value',
  rows: 'few',
  place: ({ gid, n }) => ({ owner: gid, order: u64(n) }),
  encode: ({ entry, n }) => encodeRecord([entry, n]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'waiting entry')
    return { entry: fields.bytes('entry', 32), n: fields.uint('n') }
  },
}

export function keepWaiting(turn: Turn, gid: Bytes32, row: WaitingEntry): void {
  turn.put(waiting, { gid, n: row.n }, row)
}

export function dropWaiting(turn: Turn, gid: Bytes32, n: number): void {
  turn.remove(waiting, { gid, n })
}

/** The oldest that wait, at most `limit`. */
export function* waitingEntries(gid: Bytes32, limit: number): Step<readonly WaitingEntry[]> {
  return (yield* range(waiting, { owner: gid, limit })).map(({ value }) => value)
}
