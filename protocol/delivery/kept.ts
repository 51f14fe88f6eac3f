// The store of what arrived and cannot be shown: held where it is beyond a limit, quarantined where
// it cannot be opened. Durable and bounded; an item is kept once, however often it arrives
// (SPEC.md §5.6, §10).
import {
  type Bytes16,
  type Bytes32,
  type Bytes8,
  EMPTY,
  concat,
  equalBytes,
  u64,
  u8,
} from '../../crypto/index.ts'
import { type DeviceSet, deviceSet } from '../device-set.ts'
import {
  HELD_MAX,
  HELD_MAX_BYTES,
  QUARANTINE_MAX_BYTES,
  QUARANTINE_PEER_MAX_BYTES,
} from '../limits.ts'
import { encodeRecord, orEmpty, readRecord, text, textField } from '../record.ts'
import { type Step, type Table, type Turn, get, range } from '../step.ts'
import type { Arrival } from './arrival.ts'

export interface KeptItem {
  readonly sequence: number
  readonly innerId: Bytes32
  readonly sid: Bytes16
  readonly inner: Uint8Array
  readonly storedAtS: number
  readonly capId: Bytes8 | undefined
  readonly serviceKey: Bytes32 | undefined
  readonly reason: string
  /** Guarded clock. */
  readonly keptAtMs: number
}

/** Whose store: a device's, or nobody's (32 zeros), and which of the two. */
export interface Shelf {
  readonly device: Bytes32
  readonly held: boolean
}

function ownerOf({ device, held }: Shelf): Uint8Array {
  return concat(device, u8(held ? 1 : 0))
}

const keptItems: Table<Shelf & { sequence: number }, KeptItem> = {
  name: 'kept',
  sealing: 'value',
  place: ({ sequence, ...shelf }) => ({ owner: ownerOf(shelf), order: u64(sequence) }),
  encode: (item) =>
    encodeRecord([
      item.sequence,
      item.innerId,
      item.sid,
      item.inner,
      item.storedAtS,
      orEmpty(item.capId),
      orEmpty(item.serviceKey),
      text(item.reason),
      item.keptAtMs,
    ]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'kept item')
    return {
      sequence: fields.uint('sequence'),
      innerId: fields.bytes('innerId', 32),
      sid: fields.bytes('sid', 16),
      inner: fields.bytes('inner', 1, 65_536),
      storedAtS: fields.uint('storedAt'),
      capId: fields.optional('capId', 8),
      serviceKey: fields.optional('serviceKey', 32),
      reason: textField(fields, 'reason', 64),
      keptAtMs: fields.uint('keptAt'),
    }
  },
}

/** Where an inner message is kept. */
const keptPlaces: Table<Bytes32, Shelf & { readonly sequence: number }> = {
  name: 'kept-places',
  sealing: 'value',
  rows: 'rare',
  place: (innerId) => ({ owner: EMPTY, order: innerId }),
  encode: (row) => encodeRecord([row.device, row.held ? 1 : 0, row.sequence]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'kept place')
    return {
      device: fields.bytes('device', 32),
      held: fields.flag('held'),
      sequence: fields.uint('sequence'),
    }
  },
}

interface ShelfTotals {
  readonly next: number
  readonly items: number
  readonly sizeBytes: number
  /** Items up to this one were told of in a reset: only later ones ask for another. */
  readonly asked: number
}

const totals: Table<Shelf, ShelfTotals> = {
  name: 'kept-totals',
  sealing: 'value',
  place: (shelf) => ({ owner: ownerOf(shelf), order: EMPTY }),
  encode: (row) => encodeRecord([row.next, row.items, row.sizeBytes, row.asked]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'kept totals')
    return {
      next: fields.uint('next'),
      items: fields.uint('items'),
      sizeBytes: fields.uint('size'),
      asked: fields.uint('asked'),
    }
  },
}

export const NOBODY: Bytes32 = new Uint8Array(32)
/** Stands for all quarantined items together. */
const ALL: Shelf = { device: new Uint8Array(32).fill(0xff), held: false }
const NONE: ShelfTotals = { next: 1, items: 0, sizeBytes: 0, asked: 0 }

/** Devices that something is kept of; NOBODY among them. */
export const keptDevices: DeviceSet = deviceSet('kept-set')

function* totalsOf(shelf: Shelf): Step<ShelfTotals> {
  return (yield* get(totals, shelf)) ?? NONE
}

/** Writes an item within the bounds; beyond them the newest is dropped. False: it was dropped. */
export function* keepItem(
  turn: Turn,
  shelf: Shelf,
  arrival: Arrival,
  why: { readonly innerId: Bytes32; readonly reason: string },
): Step<boolean> {
  const { innerId, reason } = why
  if ((yield* get(keptPlaces, innerId)) !== undefined) return true
  const mine = yield* totalsOf(shelf)
  const all = yield* totalsOf(ALL)
  const size = arrival.inner.length
  const full = shelf.held
    ? mine.items >= HELD_MAX || mine.sizeBytes + size > HELD_MAX_BYTES
    : mine.sizeBytes + size > QUARANTINE_PEER_MAX_BYTES ||
      all.sizeBytes + size > QUARANTINE_MAX_BYTES
  if (full) {
    // Of nobody there is nobody to ask, and a stranger must not be able to write warnings here.
    if (!equalBytes(shelf.device, NOBODY)) {
      turn.change({
        kind: 'warning',
        code: 'KEPT_FULL',
        text: 'Messages that could not be opened fill their store; the sender is asked to send again.',
      })
    }
    return false
  }
  const { path, sid, inner } = arrival
  const { next } = mine
  const relay = path.kind === 'relay' ? path : undefined
  const { storedAtS = 0, capId, serviceKey } = relay ?? {}
  const row = { innerId, sid, inner, storedAtS, capId, serviceKey, reason }
  turn.put(
    keptItems,
    { ...shelf, sequence: next },
    { sequence: next, ...row, keptAtMs: turn.safeNowMs },
  )
  turn.put(keptPlaces, innerId, { ...shelf, sequence: next })
  turn.put(totals, shelf, { ...mine, ...counted(mine, 1, size), next: next + 1 })
  if (!shelf.held) turn.put(totals, ALL, { ...all, ...counted(all, 1, size) })
  yield* keptDevices.add(turn, shelf.device)
  return true
}

function counted(row: ShelfTotals, items: number, sizeBytes: number) {
  return {
    items: Math.max(0, row.items + items),
    sizeBytes: Math.max(0, row.sizeBytes + sizeBytes),
  }
}

/** Items of one shelf from a sequence on, oldest first. */
export function* keptFrom(shelf: Shelf, from: number, limit: number): Step<readonly KeptItem[]> {
  const query = { owner: ownerOf(shelf), from: u64(from), limit }
  return (yield* range(keptItems, query)).map((row) => row.value)
}

/** How many items are kept of a device. */
export function* keptCount(device: Bytes32): Step<number> {
  const held = yield* totalsOf({ device, held: true })
  const quarantined = yield* totalsOf({ device, held: false })
  return held.items + quarantined.items
}

/** The last sequence that a reset told of. */
export function* askedUpTo(shelf: Shelf): Step<number> {
  return (yield* totalsOf(shelf)).asked
}

/** A reset told of all that is kept of a device now. */
export function* noteAsked(turn: Turn, device: Bytes32): Step<void> {
  for (const held of [true, false]) {
    const row = yield* get(totals, { device, held })
    if (row !== undefined) turn.put(totals, { device, held }, { ...row, asked: row.next - 1 })
  }
}

/** Takes an item out: it opened, or is too old. */
export function* dropKept(turn: Turn, innerId: Bytes32): Step<void> {
  const place = yield* get(keptPlaces, innerId)
  if (place === undefined) return
  const { device, held, sequence } = place
  const item = yield* get(keptItems, place)
  const size = item?.inner.length ?? 0
  turn.remove(keptItems, { device, held, sequence })
  turn.remove(keptPlaces, innerId)
  const mine = yield* totalsOf(place)
  turn.put(totals, { device, held }, { ...mine, ...counted(mine, -1, -size) })
  if (!held) {
    const all = yield* totalsOf(ALL)
    turn.put(totals, ALL, { ...all, ...counted(all, -1, -size) })
  }
  if ((yield* keptCount(device)) === 0) yield* keptDevices.remove(turn, device)
}
