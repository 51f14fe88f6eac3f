// Since when a group lacks something, and what was done about it (SPEC.md §20.8): kept, so that a
// restart neither forgets to repair nor does it twice.
import { type Bytes32, EMPTY, equalBytes } from '../../crypto/index.ts'
import { MERGES_PER_HOUR, OWED_REFRESHES_MAX } from '../group-limits.ts'
import { encodeRecord, orEmpty, readList, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get } from '../step.ts'
import { ASKED_SEEDS_MAX, type AskedSeed, readSeed, seedFields } from './asked-seed.ts'

/** A recipient that asked for the secret of a fresh epoch, which nobody keeps. */
export interface OwedDevice {
  readonly device: Bytes32
  readonly opId: Bytes32
  readonly sinceMs: number
}

/** All times by the guarded clock; 0: never, or not so. */
export interface RepairState {
  readonly seeds: readonly AskedSeed[]
  readonly owed: readonly OwedDevice[]
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
  /** When operations were last asked for, of whom, and how often since they were complete. */
  readonly askedOpsMs: number
  readonly askedOpsOf: Bytes32 | undefined
  readonly opsAsked: number
  /** Something came under keys of no operation here. */
  readonly wantsOps: boolean
  /** Since when a member's devices are known to be others than the operations say. */
  readonly listsSinceMs: number
  /** Since when something may have been said that cannot be read here and is not known to be missing. */
  readonly doubtSinceMs: number
  /** When all were last asked how far they wrote. */
  readonly doubtAskedMs: number
}

export const NO_REPAIRS: RepairState = {
  seeds: [],
  owed: [],
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
  askedOpsOf: undefined,
  opsAsked: 0,
  wantsOps: false,
  listsSinceMs: 0,
  doubtSinceMs: 0,
  doubtAskedMs: 0,
}

export const repairStates: Table<Bytes32, RepairState> = {
  name: 'group-repair',
  sealing: 'value',
  place: (gid) => ({ owner: gid, order: EMPTY }),
  encode: (row) =>
    encodeRecord([
      row.seeds.map(seedFields),
      row.owed.map((one) => [one.device, one.opId, one.sinceMs]),
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
      orEmpty(row.askedOpsOf),
      row.opsAsked,
      row.wantsOps ? 1 : 0,
      row.listsSinceMs,
      row.doubtSinceMs,
      row.doubtAskedMs,
    ]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'group repair')
    return {
      seeds: readList(fields, 'seeds', ASKED_SEEDS_MAX, readSeed),
      owed: readList(fields, 'owed', OWED_REFRESHES_MAX, (one) => ({
        device: one.bytes('device', 32),
        opId: one.bytes('opId', 32),
        sinceMs: one.uint('since'),
      })),
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
      askedOpsOf: fields.optional('askedOpsOf', 32),
      opsAsked: fields.uint('opsAsked'),
      wantsOps: fields.flag('wantsOps'),
      listsSinceMs: fields.uint('listsSince'),
      doubtSinceMs: fields.uint('doubtSince'),
      doubtAskedMs: fields.uint('doubtAsked'),
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

/** Something came that cannot be read and tells nobody's number. */
export function* noteDoubt(turn: Turn, gid: Bytes32): Step<void> {
  const state = yield* repairState(gid)
  if (state.doubtSinceMs > 0) return
  yield* putRepairs(turn, gid, { ...state, doubtSinceMs: turn.safeNowMs })
  turn.effect({ kind: 'group', gid })
}
