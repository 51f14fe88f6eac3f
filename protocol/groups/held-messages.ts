// Messages of a group that do not open yet: of an epoch whose secret is on its way, or beyond a bound
// (SPEC.md §20.4, G1). Durable and bounded; tried again when an epoch comes.
import { type Bytes32, EMPTY, concat, u64 } from '../../crypto/index.ts'
import { GROUP_HELD_MAX, GROUP_HELD_MAX_BYTES } from '../limits.ts'
import { encodeRecord, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get, range } from '../step.ts'

export interface HeldMessage {
  readonly sequence: number
  readonly innerId: Bytes32
  readonly message: Uint8Array
}

const held: Table<{ gid: Bytes32; sequence: number }, HeldMessage> = {
  name: 'group-held',
  sealing: 'value',
  place: ({ gid, sequence }) => ({ owner: gid, order: u64(sequence) }),
  encode: ({ sequence, innerId, message }) => encodeRecord([sequence, innerId, message]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'held group message')
    return {
      sequence: fields.uint('sequence'),
      innerId: fields.bytes('innerId', 32),
      message: fields.bytes('message', 1, 65_536),
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

/** Keeps a message; false where there is no room: then it comes by sync, from whoever opened it. */
export function* holdMessage(
  turn: Turn,
  gid: Bytes32,
  innerId: Bytes32,
  message: Uint8Array,
): Step<boolean> {
  if ((yield* get(places, { gid, innerId })) !== undefined) return true
  const all = (yield* get(totals, gid)) ?? NONE
  const sizeBytes = all.sizeBytes + message.length
  if (all.items >= GROUP_HELD_MAX || sizeBytes > GROUP_HELD_MAX_BYTES) return false
  const sequence = all.next
  turn.put(held, { gid, sequence }, { sequence, innerId, message })
  turn.put(places, { gid, innerId }, sequence)
  turn.put(totals, gid, { next: sequence + 1, items: all.items + 1, sizeBytes })
  return true
}

export function* releaseMessage(turn: Turn, gid: Bytes32, one: HeldMessage): Step<void> {
  if ((yield* get(held, { gid, sequence: one.sequence })) === undefined) return
  const all = (yield* get(totals, gid)) ?? NONE
  turn.remove(held, { gid, sequence: one.sequence })
  turn.remove(places, { gid, innerId: one.innerId })
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
