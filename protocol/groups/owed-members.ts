// What a welcome could not say yet (SPEC.md §21): where members are of whom the adder had not heard
// itself. It owes that to the newcomer, who cannot read what was said before it was added, and says it
// as soon as it knows.
import { type Bytes32, concat } from '../../crypto/index.ts'
import { OWED_NEWCOMERS_MAX } from '../group-limits.ts'
import { encodeRecord, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, range } from '../step.ts'

interface Owed {
  readonly gid: Bytes32
  /** The member that nothing was known of. */
  readonly device: Bytes32
  /** Who is to be told. */
  readonly newcomer: Bytes32
}

const owed: Table<Owed, Bytes32> = {
  name: 'owed-members',
  sealing: 'value',
  place: ({ gid, device, newcomer }) => ({ owner: concat(gid, device), order: newcomer }),
  encode: (newcomer) => encodeRecord([newcomer]),
  decode: (bytes) => readRecord(bytes, 'owed member').bytes('newcomer', 32),
}

/** Remembers that a newcomer was not told of a member. */
export function owe(turn: Turn, debt: Owed): void {
  turn.put(owed, debt, debt.newcomer)
}

/** Whom a member is owed to, who are owed it no longer; up to 256 of them at a time. */
export function* settleOwed(turn: Turn, gid: Bytes32, device: Bytes32): Step<readonly Bytes32[]> {
  const query = { owner: concat(gid, device), limit: OWED_NEWCOMERS_MAX }
  const rows = yield* range(owed, query)
  const newcomers = rows.map(({ value }) => value)
  for (const newcomer of newcomers) turn.remove(owed, { gid, device, newcomer })
  return newcomers
}
