// How far the repair of a group's log has come (SPEC.md §21): one question at a time, to one device,
// another one each time. What came is in the log, so a restart asks for what is still missing.
import { type Bytes32, concat, EMPTY } from '../../crypto/index.ts'
import { encodeRecord, orEmpty, readRecord } from '../record.ts'
import { type Step, type Table, get } from '../step.ts'

/** All times by the guarded clock. */
export interface SyncState {
  /** Of the last question; pages of another one are not taken. */
  readonly req: number
  readonly asked: Bytes32 | undefined
  readonly askedAtMs: number
  /** Questions since something last came. */
  readonly vain: number
  /** A device whose frontier showed more than is held; undefined: none did. */
  readonly ahead: Bytes32 | undefined
  /** When all that is held was last compared with somebody's. */
  readonly comparedAtMs: number
  /** The log may lack what a relay dropped, or what came while this device was away. */
  readonly compares: boolean
}

export const NO_SYNC: SyncState = {
  req: 0,
  asked: undefined,
  askedAtMs: 0,
  vain: 0,
  ahead: undefined,
  comparedAtMs: 0,
  compares: true,
}

export const syncStates: Table<Bytes32, SyncState> = {
  name: 'group-sync',
  sealing: 'value',
  place: (gid) => ({ owner: gid, order: EMPTY }),
  encode: (row) =>
    encodeRecord([
      row.req,
      orEmpty(row.asked),
      row.askedAtMs,
      row.vain,
      orEmpty(row.ahead),
      row.comparedAtMs,
      row.compares ? 1 : 0,
    ]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'group sync')
    return {
      req: fields.uint('req'),
      asked: fields.optional('asked', 32),
      askedAtMs: fields.uint('askedAt'),
      vain: fields.uint('vain'),
      ahead: fields.optional('ahead', 32),
      comparedAtMs: fields.uint('comparedAt'),
      compares: fields.flag('compares'),
    }
  },
}

export function* syncState(gid: Bytes32): Step<SyncState> {
  return (yield* get(syncStates, gid)) ?? NO_SYNC
}

/** When a device was last told our frontier of a group, guarded clock. */
export const frontiersTold: Table<{ gid: Bytes32; device: Bytes32 }, number> = {
  name: 'group-compared',
  sealing: 'value',
  place: ({ gid, device }) => ({ owner: concat(gid, device), order: EMPTY }),
  encode: (atMs) => encodeRecord([atMs]),
  decode: (bytes) => readRecord(bytes, 'told frontier').uint('at'),
}
