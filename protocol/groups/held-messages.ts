// Messages of a group that do not open yet: of an epoch whose secret is on its way, or beyond a bound
// (SPEC.md §20.4, G1). Durable, and bounded for each source; tried again when an epoch comes.
import { type Bytes32, EMPTY, concat, u64 } from '../../crypto/index.ts'
import { GROUP_HELD_MAX, GROUP_HELD_MAX_BYTES, GROUP_HELD_PER_SOURCE_MAX } from '../group-limits.ts'
import { encodeRecord, readList, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get, range } from '../step.ts'
import type { HeldOrigin } from './tagged-epoch.ts'

export interface HeldMessage {
  readonly sequence: number
  readonly innerId: Bytes32
  readonly message: Uint8Array
  /** Who handed it in: a writer's pseudonym at a mailbox, or a peer. 1 to 32 bytes. */
  readonly source: Uint8Array
  /** Guarded clock. */
  readonly atMs: number
  /** Whose it says it is; undefined while its epoch is not known. */
  readonly origin: HeldOrigin | undefined
}

const held: Table<{ gid: Bytes32; sequence: number }, HeldMessage> = {
  name: 'group-held',
  sealing: 'value',
  place: ({ gid, sequence }) => ({ owner: gid, order: u64(sequence) }),
  encode: ({ sequence, innerId, message, source, atMs, origin }) => {
    const whose = origin === undefined ? [] : [[origin.opId, origin.device, origin.ctr]]
    return encodeRecord([sequence, innerId, message, source, atMs, whose])
  },
  decode: (bytes) => {
    const fields = readRecord(bytes, 'held group message')
    return {
      sequence: fields.uint('sequence'),
      innerId: fields.bytes('innerId', 32),
      message: fields.bytes('message', 1, 65_536),
      source: fields.bytes('source', 1, 32),
      atMs: fields.uint('at'),
      origin: readList(fields, 'origin', 1, (one) => ({
        opId: one.bytes('opId', 32),
        device: one.bytes('device', 32),
        ctr: one.uint('ctr'),
      }))[0],
    }
  },
}

const places: Table<{ gid: Bytes32; innerId: Bytes32 }, number> = {
  name: 'group-held-at',
  sealing: 'value',
  place: ({ gid, innerId }) => ({ owner: concat(gid, innerId), order: EMPTY }),
  encode: (sequence) => encodeRecord([sequence]),
  decode: (bytes) => readRecord(bytes, 'held place').uint('sequence'),
}

interface Totals {
  readonly next: number
  readonly items: number
  readonly sizeBytes: number
}

const totals: Table<Bytes32, Totals> = {
  name: 'group-held-sum',
  sealing: 'value',
  place: (gid) => ({ owner: gid, order: EMPTY }),
  encode: (row) => encodeRecord([row.next, row.items, row.sizeBytes]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'held totals')
    return {
      next: fields.uint('next'),
      items: fields.uint('items'),
      sizeBytes: fields.uint('size'),
    }
  },
}

const NONE: Totals = { next: 1, items: 0, sizeBytes: 0 }

/** How many are held of one source. */
const counts: Table<{ gid: Bytes32; source: Uint8Array }, number> = {
  name: 'group-held-of',
  sealing: 'value',
  place: ({ gid, source }) => ({ owner: concat(gid, source), order: EMPTY }),
  encode: (count) => encodeRecord([count]),
  decode: (bytes) => readRecord(bytes, 'held of a source').uint('count'),
}

/**
 * kept: it, or whose it is, is new. known: nothing is. full: there is no room, of its source or in all;
 * then it comes by sync, from whoever opened it.
 */
export type Holding = 'kept' | 'known' | 'full'

export function* holdMessage(
  turn: Turn,
  gid: Bytes32,
  one: Omit<HeldMessage, 'sequence' | 'atMs'>,
): Step<Holding> {
  const { innerId, message, source, origin } = one
  const at = yield* get(places, { gid, innerId })
  if (at !== undefined) {
    const before = yield* get(held, { gid, sequence: at })
    if (before === undefined || before.origin !== undefined || origin === undefined) return 'known'
    turn.put(held, { gid, sequence: at }, { ...before, origin })
    return 'kept'
  }
  const all = (yield* get(totals, gid)) ?? NONE
  const ofSource = (yield* get(counts, { gid, source })) ?? 0
  const sizeBytes = all.sizeBytes + message.length
  if (ofSource >= GROUP_HELD_PER_SOURCE_MAX) return 'full'
  if (all.items >= GROUP_HELD_MAX || sizeBytes > GROUP_HELD_MAX_BYTES) return 'full'
  const sequence = all.next
  turn.put(held, { gid, sequence }, { ...one, sequence, atMs: turn.safeNowMs })
  turn.put(places, { gid, innerId }, sequence)
  turn.put(counts, { gid, source }, ofSource + 1)
  turn.put(totals, gid, { next: sequence + 1, items: all.items + 1, sizeBytes })
  return 'kept'
}

export function* releaseMessage(turn: Turn, gid: Bytes32, one: HeldMessage): Step<void> {
  if ((yield* get(held, { gid, sequence: one.sequence })) === undefined) return
  const all = (yield* get(totals, gid)) ?? NONE
  turn.remove(held, { gid, sequence: one.sequence })
  turn.remove(places, { gid, innerId: one.innerId })
  const { source } = one
  const left = ((yield* get(counts, { gid, source })) ?? 1) - 1
  if (left > 0) turn.put(counts, { gid, source }, left)
  else turn.remove(counts, { gid, source })
  const sizeBytes = Math.max(0, all.sizeBytes - one.message.length)
  turn.put(totals, gid, { ...all, items: Math.max(0, all.items - 1), sizeBytes })
}

export function* heldMessages(
  gid: Bytes32,
  from: number,
  limit: number,
): Step<readonly HeldMessage[]> {
  const rows = yield* range(held, { owner: gid, from: u64(from), limit })
  return rows.map(({ value }) => value)
}

export function* heldMessageCount(gid: Bytes32): Step<number> {
  return (yield* get(totals, gid))?.items ?? 0
}
