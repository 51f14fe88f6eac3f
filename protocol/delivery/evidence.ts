// Why an entry's state may be believed: durable evidence per recipient device, merged by union. The
// state shown is a pure function of it and never goes back (SPEC.md §10).
import { type Bytes32, type Bytes8, type CborValue, EMPTY } from '../../crypto/index.ts'
import { CUSTODY_PER_DEVICE_MAX, EVIDENCE_DEVICES_MAX } from '../limits.ts'
import { encodeRecord, orEmpty, readList, readRecord, text, textField } from '../record.ts'
import { type Step, type Table, type Turn, get } from '../step.ts'

/** A relay's signed word that it holds the message. */
export interface Custody {
  readonly serviceKey: Bytes32
  readonly incarnation: Bytes8
  /** Unix seconds, guarded clock, until which the relay promised to hold it. */
  readonly holdUntilS: number
  readonly atMs: number
  /** The relay lost its store since: the evidence no longer counts. */
  readonly void: boolean
}

export interface DeviceEvidence {
  readonly device: Bytes32
  readonly custody: readonly Custody[]
  /** When a durable `committed` answer came; 0: none. */
  readonly committedAtMs: number
  /** When a receipt first covered it; 0: none. */
  readonly receiptAtMs: number
  readonly readAtMs: number
  /** Carriage stopped: 'expired', or why it failed; "" while it goes on. Reopened by later evidence. */
  readonly closed: string
}

export interface Evidence {
  readonly conversation: Bytes32
  readonly n: number
  readonly queuedAtMs: number
  readonly devices: readonly DeviceEvidence[]
  /** What is known of an entry of a group beside its top-ups; undefined one-to-one. */
  readonly group: GroupEvidence | undefined
}

export interface GroupEvidence {
  /** The group's relays that hold it. */
  readonly custody: readonly Custody[]
  /** When the first device of another member was known to hold it; 0: none is. */
  readonly heldAtMs: number
  readonly readAtMs: number
  /** Why its carriage stopped; "" while it goes on. */
  readonly closed: string
  /** The operation whose epoch it was last encrypted in; undefined: in none yet. */
  readonly epoch: Bytes32 | undefined
}

export type ShownState = 'queued' | 'relayed' | 'delivered' | 'read' | 'failed' | 'expired'

/** One's own entries, by id. */
export const evidence: Table<Bytes32, Evidence> = {
  name: 'evidence',
  sealing: 'value',
  place: (entry) => ({ owner: EMPTY, order: entry }),
  encode: (row) =>
    encodeRecord([
      row.conversation,
      row.n,
      row.queuedAtMs,
      row.devices.map((device) => [
        device.device,
        device.custody.map(encodeCustody),
        device.committedAtMs,
        device.receiptAtMs,
        device.readAtMs,
        text(device.closed),
      ]),
      row.group === undefined
        ? []
        : [
            row.group.custody.map(encodeCustody),
            row.group.heldAtMs,
            row.group.readAtMs,
            text(row.group.closed),
            orEmpty(row.group.epoch),
          ],
    ]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'evidence')
    return {
      conversation: fields.bytes('conversation', 32),
      n: fields.uint('n'),
      queuedAtMs: fields.uint('queuedAt'),
      devices: readList(fields, 'devices', EVIDENCE_DEVICES_MAX, (device) => ({
        device: device.bytes('device', 32),
        custody: readList(device, 'custody', CUSTODY_PER_DEVICE_MAX, readCustody),
        committedAtMs: device.uint('committedAt'),
        receiptAtMs: device.uint('receiptAt'),
        readAtMs: device.uint('readAt'),
        closed: textField(device, 'closed', 64),
      })),
      // Profiles before groups wrote no such field.
      group: fields.left === 0 ? undefined : decodeGroup(fields.nested('group')),
    }
  },
}

type Fields = ReturnType<typeof readRecord>

function encodeCustody(one: Custody): CborValue {
  return [one.serviceKey, one.incarnation, one.holdUntilS, one.atMs, one.void ? 1 : 0]
}

function readCustody(one: Fields): Custody {
  return {
    serviceKey: one.bytes('serviceKey', 32),
    incarnation: one.bytes('incarnation', 8),
    holdUntilS: one.uint('holdUntil'),
    atMs: one.uint('at'),
    void: one.flag('void'),
  }
}

function decodeGroup(fields: Fields): GroupEvidence | undefined {
  if (fields.left === 0) return undefined
  return {
    custody: readList(fields, 'custody', CUSTODY_PER_DEVICE_MAX, readCustody),
    heldAtMs: fields.uint('heldAt'),
    readAtMs: fields.uint('readAt'),
    closed: textField(fields, 'closed', 64),
    epoch: fields.optional('epoch', 32),
  }
}

export function noEvidence(device: Bytes32): DeviceEvidence {
  return { device, custody: [], committedAtMs: 0, receiptAtMs: 0, readAtMs: 0, closed: '' }
}

/** Custody that still counts: not void, not past its promised end. */
export function standingCustody(
  device: Pick<DeviceEvidence, 'custody'>,
  nowMs: number,
): readonly Custody[] {
  return device.custody.filter((one) => !one.void && one.holdUntilS * 1000 > nowMs)
}

/**
 * The state to show: read > delivered > relayed > failed | expired > queued. `relays` is the number
 * of relays with standing custody, the least over devices that have not the entry themselves.
 */
export function shownState(
  row: Evidence,
  nowMs: number,
): { readonly state: ShownState; readonly relays: number } {
  const { group } = row
  const read = (group?.readAtMs ?? 0) > 0 || row.devices.some((one) => one.readAtMs > 0)
  if (read) return { state: 'read', relays: 0 }
  const held = (group?.heldAtMs ?? 0) > 0 || row.devices.some(hasEntry)
  if (held) return { state: 'delivered', relays: 0 }
  if (group !== undefined) return groupState(group, nowMs)
  let relays = Number.POSITIVE_INFINITY
  let closed = ''
  for (const device of row.devices) {
    const standing = device.closed === DEVICE_REMOVED ? [] : standingCustody(device, nowMs)
    // Where carriage stopped and no relay holds it, this device has no say: another may go on.
    if (device.closed !== '' && standing.length === 0) closed = device.closed
    else relays = Math.min(relays, standing.length)
  }
  if (!Number.isFinite(relays)) {
    if (closed === '') return { state: 'queued', relays: 0 }
    return { state: closed === 'expired' ? 'expired' : 'failed', relays: 0 }
  }
  return relays > 0 ? { state: 'relayed', relays } : { state: 'queued', relays: 0 }
}

/** A group's relays hold one copy for all: their number is that of the relays, whoever lacks it. */
function groupState(
  group: GroupEvidence,
  nowMs: number,
): { readonly state: ShownState; readonly relays: number } {
  const relays = standingCustody(group, nowMs).length
  if (relays > 0) return { state: 'relayed', relays }
  if (group.closed === '') return { state: 'queued', relays: 0 }
  return { state: group.closed === 'expired' ? 'expired' : 'failed', relays: 0 }
}

/** Whether a device is known to hold the entry. */
export function hasEntry(device: DeviceEvidence): boolean {
  return device.committedAtMs > 0 || device.receiptAtMs > 0
}

/** Why carriage to a device stopped for good: it is in its account's list no more. */
export const DEVICE_REMOVED = 'removed'

const RANK: Readonly<Record<ShownState, number>> = {
  queued: 0,
  failed: 1,
  expired: 1,
  relayed: 2,
  delivered: 3,
  read: 4,
}

/**
 * Adds evidence about one device to an entry, and says so in the change feed where the shown state
 * rose. An entry without a row is not one's own: nothing happens.
 */
export function* addEvidence(
  turn: Turn,
  entry: Bytes32,
  device: Bytes32,
  add: (before: DeviceEvidence) => DeviceEvidence,
): Step<Evidence | undefined> {
  const row = yield* get(evidence, entry)
  if (row === undefined) return undefined
  const known = row.devices.some((one) => sameDevice(one, device))
  const devices = known ? row.devices : withRoom(row.devices, device)
  const next = {
    ...row,
    devices: devices.map((one) => (sameDevice(one, device) ? add(one) : one)),
  }
  putEvidence(turn, entry, row, next)
  return next
}

/** Adds evidence about an entry of a group as a whole. */
export function* addGroupEvidence(
  turn: Turn,
  entry: Bytes32,
  add: (before: GroupEvidence) => GroupEvidence,
): Step<void> {
  const row = yield* get(evidence, entry)
  if (row?.group === undefined) return
  putEvidence(turn, entry, row, { ...row, group: add(row.group) })
}

function putEvidence(turn: Turn, entry: Bytes32, row: Evidence, next: Evidence): void {
  turn.put(evidence, entry, next)
  const before = shownState(row, turn.nowMs).state
  const after = shownState(next, turn.nowMs).state
  const reopened = after !== before && (before === 'failed' || before === 'expired')
  if (RANK[after] > RANK[before] || reopened) {
    turn.change({ kind: 'state', conversation: row.conversation, entry, state: after })
    measure(turn, next, before, after)
  }
}

/** How long it took, by the path that delivered it: an answer on a stream, or a receipt. */
function measure(turn: Turn, row: Evidence, before: ShownState, after: ShownState): void {
  const ms = Math.max(0, turn.nowMs - row.queuedAtMs)
  if (after === 'relayed') turn.effect({ kind: 'measured', what: 'relayed', ms })
  if (RANK[before] < RANK.delivered && RANK[after] >= RANK.delivered) {
    const direct = row.devices.some((one) => one.committedAtMs > 0)
    turn.effect({ kind: 'measured', what: direct ? 'direct' : 'byRelay', ms })
  }
  if (after === 'read') turn.effect({ kind: 'measured', what: 'read', ms })
}

/** One more device; where there are too many, the oldest that was removed makes room. */
function withRoom(devices: readonly DeviceEvidence[], device: Bytes32): readonly DeviceEvidence[] {
  const next = [...devices, noEvidence(device)]
  if (next.length <= EVIDENCE_DEVICES_MAX) return next
  const leaves = next.find((one) => one.closed === DEVICE_REMOVED && !hasEntry(one)) ?? next[0]
  return next.filter((one) => one !== leaves)
}

/** Notes that carriage to a device stopped: 'expired', or why it failed; '' takes it up again. */
export function* closeEvidence(
  turn: Turn,
  entry: Bytes32,
  device: Bytes32,
  closed: string,
): Step<void> {
  yield* addEvidence(turn, entry, device, (before) => ({ ...before, closed }))
}

function sameDevice(row: DeviceEvidence, device: Bytes32): boolean {
  return row.device.every((byte, i) => byte === device[i])
}
