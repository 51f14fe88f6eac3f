// A stored set of device keys that can be listed without any key of the store naming one: members
// lie under local slot numbers.
import { type Bytes32, EMPTY, readU64, u64 } from '../crypto/index.ts'
import { PEERS_MAX } from './limits.ts'
import { encodeRecord, readRecord } from './record.ts'
import { type Step, type Table, type Turn, get, range } from './step.ts'

export interface DeviceSet {
  /** Adds a device; again: nothing. */
  add(turn: Turn, device: Bytes32): Step<void>
  remove(turn: Turn, device: Bytes32): Step<void>
  /** All members, first come first. */
  all(): Step<readonly Bytes32[]>
}

/** A set kept in two tables, `name` and `name-at`; `name` has at most 13 characters. */
export function deviceSet(name: string): DeviceSet {
  const slots: Table<number, Bytes32> = {
    name,
    sealing: 'value',
    rows: 'few',
    place: (slot) => ({ owner: EMPTY, order: u64(slot) }),
    encode: (device) => encodeRecord([device]),
    decode: (bytes) => readRecord(bytes, name).bytes('device', 32),
  }
  const places: Table<Bytes32, number> = {
    name: `${name}-at`,
    sealing: 'value',
    place: (device) => ({ owner: device, order: EMPTY }),
    encode: (slot) => encodeRecord([slot]),
    decode: (bytes) => readRecord(bytes, name).uint('slot'),
  }
  return {
    *add(turn, device) {
      if ((yield* get(places, device)) !== undefined) return
      const [newest] = yield* range(slots, { owner: EMPTY, limit: 1, reverse: true })
      const slot = (newest === undefined ? 0 : readU64(newest.order, 0)) + 1
      turn.put(slots, slot, device)
      turn.put(places, device, slot)
    },
    *remove(turn, device) {
      const slot = yield* get(places, device)
      if (slot === undefined) return
      turn.remove(slots, slot)
      turn.remove(places, device)
    },
    *all() {
      const rows = yield* range(slots, { owner: EMPTY, limit: PEERS_MAX })
      return rows.map((row) => row.value)
    },
  }
}
