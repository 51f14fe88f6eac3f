// What arrived and cannot be shown: quarantined where it cannot be opened, held where it is beyond a
// limit. Durable, bounded, acknowledged to the relay, never called delivered, tried again when the
// session changes; a reset asks the peer to encrypt again what is lost (SPEC.md §5).
import { type Bytes16, type Bytes32, type Bytes8, EMPTY, u64 } from '../../crypto/index.ts'
import { contactOf, isAccepted } from '../contacts/contact.ts'
import {
  HELD_MAX,
  HELD_MAX_BYTES,
  QUARANTINE_MAX_BYTES,
  QUARANTINE_PEER_MAX_BYTES,
} from '../limits.ts'
import { capabilityHolder } from '../peers/handed-capability.ts'
import { peers } from '../peers/peer.ts'
import { encodeRecord, orEmpty, readRecord, text, textField } from '../record.ts'
import type { OpenOutcome } from '../session/open-outcome.ts'
import { type Step, type Table, type Turn, get, range } from '../step.ts'
import type { Arrival, ArrivalAnswer } from './arrival.ts'
import { requestReset } from './reset.ts'

export interface KeptItem {
  readonly sequence: number
  readonly innerId: Bytes32
  readonly sid: Bytes16
  readonly inner: Uint8Array
  readonly storedAtS: number
  readonly capId: Bytes8 | undefined
  readonly serviceKey: Bytes32 | undefined
  readonly reason: string
  readonly keptAtMs: number
}

/** Owner: the device it is thought to be from, or nobody's (32 zeros). */
export const keptItems: Table<{ device: Bytes32; sequence: number }, KeptItem> = {
  name: 'kept',
  sealing: 'value',
  place: ({ device, sequence }) => ({ owner: device, order: u64(sequence) }),
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

interface KeptTotals {
  readonly next: number
  readonly items: number
  readonly sizeBytes: number
}

const totals: Table<Bytes32, KeptTotals> = {
  name: 'kept-totals',
  sealing: 'value',
  place: (device) => ({ owner: device, order: EMPTY }),
  encode: (row) => encodeRecord([row.next, row.items, row.sizeBytes]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'kept totals')
    return {
      next: fields.uint('next'),
      items: fields.uint('items'),
      sizeBytes: fields.uint('size'),
    }
  },
}

const NOBODY: Bytes32 = new Uint8Array(32)
const ALL: Bytes32 = new Uint8Array(32).fill(0xff)
const NONE: KeptTotals = { next: 1, items: 0, sizeBytes: 0 }

const UNKNOWN_SESSION: ArrivalAnswer = { code: 'unknownSession', detail: 0, malformed: false }

type Unopened = Exclude<
  OpenOutcome,
  { readonly kind: 'opened' | 'malformed' | 'forbidden' | 'refused' }
>

/** Keeps what could not be opened, or asks the peer on the stream for a new session. */
export function* quarantine(
  turn: Turn,
  arrival: Arrival,
  innerId: Bytes32,
  outcome: Unopened,
): Step<ArrivalAnswer> {
  const holder = yield* likelySender(arrival, outcome)
  if (arrival.path.kind === 'direct' && outcome.kind !== 'held' && outcome.kind !== 'unsupported') {
    // The peer is there: it starts anew at once, nothing needs to be kept.
    return UNKNOWN_SESSION
  }
  const reason = outcome.kind === 'unreadable' ? outcome.reason : outcome.kind
  yield* keep(turn, holder ?? NOBODY, arrival, innerId, reason)
  const known = outcome.kind !== 'held' && outcome.kind !== 'unsupported'
  if (holder !== undefined && known) yield* requestReset(turn, holder, arrival.sid)
  return { code: 'held', detail: outcome.kind === 'held' ? 0 : 1, malformed: false }
}

/** The accepted device that an unreadable item is from, by its session, claim or capability. */
function* likelySender(arrival: Arrival, outcome: Unopened): Step<Bytes32 | undefined> {
  const { path } = arrival
  const capId = path.kind === 'relay' ? path.capId : undefined
  const claimed = 'remote' in outcome ? outcome.remote?.device : undefined
  const device = claimed ?? (capId === undefined ? undefined : yield* capabilityHolder(capId))
  if (device === undefined) return undefined
  const peer = yield* get(peers, device)
  if (peer === undefined) return undefined
  return isAccepted(yield* contactOf(peer.account)) ? device : undefined
}

/** Writes an item within the bounds; beyond them the newest is dropped, and a reset is due anyway. */
function* keep(
  turn: Turn,
  device: Bytes32,
  arrival: Arrival,
  innerId: Bytes32,
  reason: string,
): Step<void> {
  const mine = (yield* get(totals, device)) ?? NONE
  const all = (yield* get(totals, ALL)) ?? NONE
  const size = arrival.inner.length
  const held = reason === 'held'
  const maxBytes = held ? HELD_MAX_BYTES : QUARANTINE_PEER_MAX_BYTES
  const full = mine.sizeBytes + size > maxBytes || mine.items >= HELD_MAX
  const allFull = !held && all.sizeBytes + size > QUARANTINE_MAX_BYTES
  if (full || allFull) {
    turn.change({
      kind: 'warning',
      code: 'KEPT_FULL',
      text: 'Messages that could not be opened fill their store; the sender is asked to send again.',
    })
    return
  }
  const { path } = arrival
  turn.put(
    keptItems,
    { device, sequence: mine.next },
    {
      sequence: mine.next,
      innerId,
      sid: arrival.sid,
      inner: arrival.inner,
      storedAtS: path.kind === 'relay' ? path.storedAtS : 0,
      capId: path.kind === 'relay' ? path.capId : undefined,
      serviceKey: path.kind === 'relay' ? path.serviceKey : undefined,
      reason,
      keptAtMs: turn.safeNowMs,
    },
  )
  turn.put(totals, device, {
    next: mine.next + 1,
    items: mine.items + 1,
    sizeBytes: mine.sizeBytes + size,
  })
  turn.put(totals, ALL, { ...all, items: all.items + 1, sizeBytes: all.sizeBytes + size })
}

/** Items kept of a device, oldest first: to be tried again. */
export function* keptOf(device: Bytes32, limit: number): Step<readonly KeptItem[]> {
  return (yield* range(keptItems, { owner: device, limit })).map((row) => row.value)
}

/** Takes an item out: it opened, or is too old. */
export function* dropKept(turn: Turn, device: Bytes32, item: KeptItem): Step<void> {
  const mine = (yield* get(totals, device)) ?? NONE
  const all = (yield* get(totals, ALL)) ?? NONE
  const size = item.inner.length
  turn.remove(keptItems, { device, sequence: item.sequence })
  turn.put(totals, device, {
    ...mine,
    items: Math.max(0, mine.items - 1),
    sizeBytes: Math.max(0, mine.sizeBytes - size),
  })
  turn.put(totals, ALL, {
    ...all,
    items: Math.max(0, all.items - 1),
    sizeBytes: Math.max(0, all.sizeBytes - size),
  })
}
