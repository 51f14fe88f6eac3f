// Why an entry's state may be believed: durable evidence per recipient device, merged by union. The
// state shown is a pure function of it and never goes back (SPEC.md §10).
import { type Bytes32, type Bytes8, EMPTY } from '../../crypto/index.ts'
import { CUSTODY_PER_DEVICE_MAX, EVIDENCE_DEVICES_MAX } from '../limits.ts'
import { encodeRecord, readList, readRecord, text, textField } from '../record.ts'
import { type Step, type Table, type Turn, get } from '../step.ts'

/** A relay's signed word that it holds the message. */
export interface Custody {
  readonly serviceKey: Bytes32
  readonly incarnation: Bytes8
  /** Unix seconds until which the relay promised to hold it. */
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
        device.custody.map((one) => [
          one.serviceKey,
          one.incarnation,
          one.holdUntilS,
          one.atMs,
          one.void ? 1 : 0,
        ]),
        device.committedAtMs,
        device.receiptAtMs,
        device.readAtMs,
        text(device.closed),
      ]),
    ]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'evidence')
    return {
      conversation: fields.bytes('conversation', 32),
      n: fields.uint('n'),
      queuedAtMs: fields.uint('queuedAt'),
      devices: readList(fields, 'devices', EVIDENCE_DEVICES_MAX, (device) => ({
        device: device.bytes('device', 32),
        custody: readList(device, 'custody', CUSTODY_PER_DEVICE_MAX, (one) => ({
          serviceKey: one.bytes('serviceKey', 32),
          incarnation: one.bytes('incarnation', 8),
          holdUntilS: one.uint('holdUntil'),
          atMs: one.uint('at'),
          void: one.flag('void'),
        })),
        committedAtMs: device.uint('committedAt'),
        receiptAtMs: device.uint('receiptAt'),
        readAtMs: device.uint('readAt'),
        closed: textField(device, 'closed', 64),
      })),
    }
  },
}

export function noEvidence(device: Bytes32): DeviceEvidence {
  return { device, custody: [], committedAtMs: 0, receiptAtMs: 0, readAtMs: 0, closed: '' }
}

/** Custody that still counts: not void, not past its promised end. */
export function standingCustody(device: DeviceEvidence, nowMs: number): readonly Custody[] {
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
  if (row.devices.some((one) => one.readAtMs > 0)) return { state: 'read', relays: 0 }
  if (row.devices.some(hasEntry)) return { state: 'delivered', relays: 0 }
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
  const before = shownState(row, turn.nowMs).state
  const known = row.devices.some((one) => sameDevice(one, device))
  const devices = known ? row.devices : withRoom(row.devices, device)
  const next = {
    ...row,
    devices: devices.map((one) => (sameDevice(one, device) ? add(one) : one)),
  }
  turn.put(evidence, entry, next)
  const after = shownState(next, turn.nowMs).state
  const reopened = after !== before && (before === 'failed' || before === 'expired')
  if (RANK[after] > RANK[before] || reopened) {
    turn.change({ kind: 'state', conversation: row.conversation, entry, state: after })
    measure(turn, next, before, after)
  }
  return next
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
