// Since when a group lacks something, and what was done about it (SPEC.md §20.8): kept, so that a
// restart neither forgets to repair nor does it twice.
import { type Bytes32, EMPTY, equalBytes } from '../../crypto/index.ts'
import { MERGES_PER_HOUR } from '../limits.ts'
import { encodeRecord, orEmpty, readList, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get } from '../step.ts'

export interface AskedSeed {
  readonly opId: Bytes32
  readonly sinceMs: number
  readonly askedAuthor: boolean
  readonly askedOthers: boolean
}

/** All times by the guarded clock; 0: never, or not so. */
export interface RepairState {
  readonly seeds: readonly AskedSeed[]
  readonly noUsableSinceMs: number
  readonly subsetSinceMs: number
  /** The departure that waits for new keys, and since when it is known. */
  readonly departure: Bytes32 | undefined
  readonly departureSinceMs: number
  /** The newest fresh operation, when it was seen, and how many entries there were then. */
  readonly fresh: Bytes32 | undefined
  readonly freshSeenMs: number
  readonly entriesAtFresh: number
  readonly rotationDueSinceMs: number
  readonly lastRefreshMs: number
  readonly mergesMs: readonly number[]
  /** When operations were last asked for, and how often since they were complete. */
  readonly askedOpsMs: number
  readonly opsAsked: number
  /** Something came under keys of no operation here. */
  readonly wantsOps: boolean
  /** Since when a member's devices are known to be others than the operations say. */
  readonly listsSinceMs: number
}

export const NO_REPAIRS: RepairState = {
  seeds: [],
  noUsableSinceMs: 0,
  subsetSinceMs: 0,
  departure: undefined,
  departureSinceMs: 0,
  fresh: undefined,
  freshSeenMs: 0,
  entriesAtFresh: 0,
  rotationDueSinceMs: 0,
  lastRefreshMs: 0,
  mergesMs: [],
  askedOpsMs: 0,
  opsAsked: 0,
  wantsOps: false,
  listsSinceMs: 0,
}

/** Epochs whose seed is asked for at once. */
export const ASKED_SEEDS_MAX = 64

export const repairStates: Table<Bytes32, RepairState> = {
  name: 'group-repair',
  sealing: 'value',
  place: (gid) => ({ owner: gid, order: EMPTY }),
  encode: (row) =>
    encodeRecord([
      row.seeds.map((one) => [
        one.opId,
        one.sinceMs,
        (one.askedAuthor ? 1 : 0) + (one.askedOthers ? 2 : 0),
      ]),
      row.noUsableSinceMs,
      row.subsetSinceMs,
      orEmpty(row.departure),
      row.departureSinceMs,
      orEmpty(row.fresh),
      row.freshSeenMs,
      row.entriesAtFresh,
      row.rotationDueSinceMs,
      row.lastRefreshMs,
      row.mergesMs.map((atMs) => [atMs]),
      row.askedOpsMs,
      row.opsAsked,
      row.wantsOps ? 1 : 0,
      row.listsSinceMs,
    ]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'group repair')
    return {
      seeds: readList(fields, 'seeds', ASKED_SEEDS_MAX, (one) => {
        const opId = one.bytes('opId', 32)
        const sinceMs = one.uint('since')
        const asked = one.uint('asked', 3)
        return { opId, sinceMs, askedAuthor: (asked & 1) !== 0, askedOthers: (asked & 2) !== 0 }
      }),
      noUsableSinceMs: fields.uint('noUsable'),
      subsetSinceMs: fields.uint('subset'),
      departure: fields.optional('departure', 32),
      departureSinceMs: fields.uint('departureSince'),
      fresh: fields.optional('fresh', 32),
      freshSeenMs: fields.uint('freshSeen'),
      entriesAtFresh: fields.uint('entriesAtFresh'),
      rotationDueSinceMs: fields.uint('rotationDue'),
      lastRefreshMs: fields.uint('lastRefresh'),
      mergesMs: readList(fields, 'merges', MERGES_PER_HOUR, (one) => one.uint('at')),
      askedOpsMs: fields.uint('askedOps'),
      opsAsked: fields.uint('opsAsked'),
      wantsOps: fields.flag('wantsOps'),
      listsSinceMs: fields.uint('listsSince'),
    }
  },
}

/** Writes a state where it is another one: looking costs no batch. */
export function* putRepairs(turn: Turn, gid: Bytes32, state: RepairState): Step<void> {
  const before = yield* get(repairStates, gid)
  if (before !== undefined && equalBytes(repairStates.encode(before), repairStates.encode(state))) {
    return
  }
  turn.put(repairStates, gid, state)
}

export function* repairState(gid: Bytes32): Step<RepairState> {
  return (yield* get(repairStates, gid)) ?? NO_REPAIRS
}
