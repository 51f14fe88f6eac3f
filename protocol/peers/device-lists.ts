// The highest device list known of each account, one's own included: it says which devices there
// are (SPEC.md §2). Lists are verified before they come here, so reading one costs no signature.
import {
  type Bytes32,
  type CborArray,
  type DeviceList,
  EMPTY,
  FieldReader,
  decodeCbor,
  encodeCbor,
  equalBytes,
} from '../../crypto/index.ts'
import { DEVICE_LIST_RECORD_MAX_BYTES } from '../limits.ts'
import { markOf, markTable, setMark } from '../mark.ts'
import { type Step, type Table, type Turn, get } from '../step.ts'

export interface ListedDevice {
  readonly device: Bytes32
  readonly dh: Bytes32
}

export interface DeviceListRecord {
  readonly version: number
  /** listHash, 32 bytes. */
  readonly hash: Bytes32
  /** The signed list as received. */
  readonly bytes: Uint8Array
  readonly devices: readonly ListedDevice[]
  /** Another list of the same version that verified: an alarm; nothing is sent to the account. */
  readonly conflict?: Uint8Array
}

function encodeRecord(record: DeviceListRecord): Uint8Array<ArrayBuffer> {
  const { version, hash, bytes, devices, conflict } = record
  const pairs: CborArray = devices.map(({ device, dh }) => [device, dh])
  return encodeCbor([1, version, hash, bytes, pairs, conflict ?? EMPTY])
}

function decodeRecord(bytes: Uint8Array): DeviceListRecord {
  const max = DEVICE_LIST_RECORD_MAX_BYTES
  const fields = new FieldReader(decodeCbor(bytes, max), 'device list record')
  fields.uint('format', 1)
  const version = fields.uint('version')
  const hash = fields.bytes('hash', 32)
  const list = fields.bytes('list', 1, max)
  const devices = fields.array('devices', 1, 10).map((value) => {
    const pair = new FieldReader(value, 'listed device')
    const listed = { device: pair.bytes('DK', 32), dh: pair.bytes('DDH', 32) }
    pair.end()
    return listed
  })
  const conflict = fields.bytes('conflict', 0, max)
  fields.end()
  const record = { version, hash, bytes: list, devices }
  return conflict.length === 0 ? record : { ...record, conflict }
}

/** By account key. */
export const deviceLists: Table<Bytes32, DeviceListRecord> = {
  name: 'device-lists',
  sealing: 'value',
  place: (account) => ({ owner: account, order: EMPTY }),
  encode: encodeRecord,
  decode: decodeRecord,
}

/** Others after each change of any list. */
const listsMark = markTable<null>('device-list-mark', () => ({ owner: EMPTY, order: EMPTY }))

/** Another text whenever a list of anybody is another one: what follows from all may be kept by it. */
export function deviceListsMark(): Step<string> {
  return markOf(listsMark, null)
}

export type ListStanding = 'unknown' | 'higher' | 'same' | 'lower' | 'conflict'

/** How a verified list stands to the one that is known. */
export function compareList(known: DeviceListRecord | undefined, list: DeviceList): ListStanding {
  if (known === undefined) return 'unknown'
  if (list.version > known.version) return 'higher'
  if (list.version < known.version) return 'lower'
  return equalBytes(list.hash, known.hash) ? 'same' : 'conflict'
}

/**
 * Takes a verified list. Any higher version is adopted, with or without the ones between; an equal
 * version with another hash is an alarm: both are kept and nothing is sent to that account until a
 * higher version comes.
 */
export function* adoptDeviceList(
  turn: Turn,
  list: DeviceList,
): Step<'adopted' | 'same' | 'older' | 'conflict'> {
  const known = yield* get(deviceLists, list.account)
  switch (compareList(known, list)) {
    case 'same':
      return 'same'
    case 'lower':
      return 'older'
    case 'conflict':
      if (known !== undefined) {
        turn.put(deviceLists, list.account, { ...known, conflict: list.bytes })
        setMark(turn, listsMark, null)
        turn.change({
          kind: 'warning',
          code: 'DEVICE_LIST_CONFLICT',
          account: list.account,
          text: 'an account signed two device lists of one version: nothing is sent to it',
        })
      }
      return 'conflict'
    case 'unknown':
    case 'higher': {
      const { version, hash, bytes, devices } = list
      const pairs = devices.map(({ device, dh }) => ({ device, dh }))
      turn.put(deviceLists, list.account, { version, hash, bytes, devices: pairs })
      setMark(turn, listsMark, null)
      return 'adopted'
    }
  }
}

/** Whether a device is in a list record; in none where there is no record. */
export function isListed(record: DeviceListRecord | undefined, device: Bytes32): boolean {
  return record?.devices.some((listed) => equalBytes(listed.device, device)) ?? false
}
