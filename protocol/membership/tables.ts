// What the membership of a group is kept in (SPEC.md §19.7): its operations as they were received, in
// the order in which they came. Everything else follows from them.
import { type Bytes32, EMPTY, GROUP_OP_MAX_BYTES, u64 } from '../../crypto/index.ts'
import { encodeRecord, readRecord } from '../record.ts'
import type { Table } from '../step.ts'

export interface GroupOpKey {
  readonly group: Bytes32
  /** 1, 2, .. as they came; those that wait for a parent included. */
  readonly arrival: number
}

/** Operations by arrival. */
export const groupOpTable: Table<GroupOpKey, Uint8Array> = {
  name: 'group-op',
  sealing: 'value',
  place: ({ group, arrival }) => ({ owner: group, order: u64(arrival) }),
  encode: (bytes) => encodeRecord([bytes]),
  decode: (bytes) => readRecord(bytes, 'group-op').bytes('op', 1, GROUP_OP_MAX_BYTES),
}

export interface GroupOpsRow {
  /** The last arrival number given. */
  readonly arrivals: number
}

/** One row per group. */
export const groupOpsTable: Table<Bytes32, GroupOpsRow> = {
  name: 'group-ops',
  sealing: 'value',
  place: (group) => ({ owner: group, order: EMPTY }),
  encode: ({ arrivals }) => encodeRecord([arrivals]),
  decode: (bytes) => ({ arrivals: readRecord(bytes, 'group-ops').uint('arrivals') }),
}
