// How far the repair of a group's log has come (SPEC.md §21): one question at a time, to one device,
// another one each time. What came is in the log, so a restart asks for what is still missing.
import { type Bytes32, concat, EMPTY } from '../../crypto/index.ts'
import { encodeRecord, orEmpty, readRecord } from '../record.ts'
import { type Step, type Table, get } from '../step.ts'

/** All times by the guarded clock. */
export interface SyncState {
  /** Of whom was last asked: `group show` names it. */
  readonly asked: Bytes32 | undefined
  readonly askedAtMs: number
  /** Questions since something last came. */
  readonly vain: number
  /** When all that is held was last to be compared with somebody's, and whose: only its answer ends it. */
  readonly comparedAtMs: number
  readonly comparedWith: Bytes32 | undefined
  /** The log may lack what a relay dropped, or what came while this device was away. */
  readonly compares: boolean
}

export const NO_SYNC: SyncState = {
  asked: undefined,
  askedAtMs: 0,
  vain: 0,
  comparedAtMs: 0,
  comparedWith: undefined,
  compares: true,
}

export const syncStates: Table<Bytes32, SyncState> = {
  name: 'group-sync',
  sealing: 'value',
  place: (gid) => ({ owner: gid, order: EMPTY }),
  encode: (row) =>
    // The first place is of earlier builds: a question's number.
    encodeRecord([
      0,
      orEmpty(row.asked),
      row.askedAtMs,
      row.vain,
      orEmpty(row.comparedWith),
      row.comparedAtMs,
      row.compares ? 1 : 0,
    ]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'group sync')
    fields.uint('number')
    const asked = fields.optional('asked', 32)
    const [askedAtMs, vain] = [fields.uint('askedAt'), fields.uint('vain')]
    const comparedWith = fields.optional('comparedWith', 32)
    return {
      asked,
      askedAtMs,
      vain,
      comparedAtMs: fields.uint('comparedAt'),
      comparedWith,
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

/** The last question to one device of a group, and whether it had nothing for it. */
export interface SyncAsked {
  /** Pages of another question are not taken from it. */
  readonly req: number
  /** What was asked, shortened: the same while the same is missing. */
  readonly question: Uint8Array
  /** It answered in full, and nothing of it was new. */
  readonly hasNone: boolean
}

export const syncAsked: Table<{ gid: Bytes32; device: Bytes32 }, SyncAsked> = {
  name: 'group-asked',
  sealing: 'value',
  rows: 'few',
  place: ({ gid, device }) => ({ owner: device, order: gid }),
  encode: ({ req, question, hasNone }) => encodeRecord([req, question, hasNone ? 1 : 0]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'asked of a device')
    const req = fields.uint('req')
    return { req, question: fields.bytes('question', 8), hasNone: fields.flag('hasNone') }
  },
}
