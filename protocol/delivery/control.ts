// Numbered frames: applied once, in any order, across sessions; kept here and encrypted again after
// a reset until a receipt covers their number (SPEC.md §8).
import { type Bytes32, readU64, u64 } from '../../crypto/index.ts'
import type { Frame } from '../frames.ts'
import { CUSTODY_DOUBT_MS, NUMBERED_RANGES_MAX } from '../limits.ts'
import { absorbRanges, addToRanges, rangesHave } from '../log/ranges.ts'
import { type Peer, peers } from '../peers/peer.ts'
import { encodeRecord, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get, range } from '../step.ts'
import { type Deposit, type OutboxItem, dequeue, enqueue, outbox, putItem } from './outbox.ts'

interface ControlRow {
  readonly frame: Frame
  readonly sequence: number
}

const controls: Table<{ device: Bytes32; c: number }, ControlRow> = {
  name: 'controls',
  sealing: 'state',
  place: ({ device, c }) => ({ owner: device, order: u64(c) }),
  encode: (row) => encodeRecord([row.frame.kind, row.frame.body, row.sequence]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'control frame')
    const kind = fields.uint('kind', 0xffff)
    const body = fields.bytes('body', 1, 65_535)
    return { frame: { kind, body }, sequence: fields.uint('sequence') }
  },
}

/** Queues a numbered frame for a device. `encode` is handed its number. */
export function* sendControl(turn: Turn, peer: Peer, encode: (c: number) => Frame): Step<void> {
  const c = peer.numberedSent + 1
  turn.put(peers, peer.device, { ...peer, numberedSent: c })
  const item = yield* enqueue(turn, peer.device, { kind: 'control', c })
  turn.put(controls, { device: peer.device, c }, { frame: encode(c), sequence: item.sequence })
}

/** The frame of a number, while no receipt covers it. */
export function* controlFrame(device: Bytes32, c: number): Step<Frame | undefined> {
  return (yield* get(controls, { device, c }))?.frame
}

/** Whether a frame of this sort to a device is not covered by a receipt yet. */
export function* isControlOpen(device: Bytes32, isOne: (frame: Frame) => boolean): Step<boolean> {
  const rows = yield* range(controls, { owner: device, limit: CONTROLS_PAGE })
  return rows.some(({ value }) => isOne(value.frame))
}

/** Puts the frames that lie here and in no outbox back into the outbox. */
export function* queueControls(turn: Turn, device: Bytes32): Step<void> {
  for (const { order, value } of yield* range(controls, { owner: device, limit: CONTROLS_PAGE })) {
    if ((yield* get(outbox, { device, sequence: value.sequence })) !== undefined) continue
    const c = readU64(order, 0)
    const { sequence } = yield* enqueue(turn, device, { kind: 'control', c })
    turn.put(controls, { device, c }, { ...value, sequence })
  }
}

/** Drops every frame for a device that is no more. */
export function* dropControls(turn: Turn, device: Bytes32): Step<void> {
  for (;;) {
    const rows = yield* range(controls, { owner: device, limit: CONTROLS_PAGE })
    for (const { order } of rows) turn.remove(controls, { device, c: readU64(order, 0) })
    if (rows.length < CONTROLS_PAGE) return
  }
}

/**
 * Drops every frame that a receipt covers: numbers 1..end and the ranges above. One that it lacks
 * and a relay signed for more than a minute ago is deposited again.
 */
export function* controlsReceived(
  turn: Turn,
  device: Bytes32,
  end: number,
  above: readonly (readonly [number, number])[],
): Step<void> {
  const rows = yield* range(controls, { owner: device, limit: CONTROLS_PAGE })
  for (const { order, value } of rows) {
    const c = readU64(order, 0)
    const item = yield* get(outbox, { device, sequence: value.sequence })
    if (c <= end || rangesHave(above, c)) {
      turn.remove(controls, { device, c })
      if (item !== undefined) yield* dequeue(turn, item)
    } else if (item !== undefined) lacked(turn, item)
  }
}

function lacked(turn: Turn, item: OutboxItem): void {
  const isOld = ({ holds, atMs }: Deposit): boolean =>
    holds && turn.safeNowMs - atMs > CUSTODY_DOUBT_MS
  if (!item.deposits.some(isOld)) return
  const deposits = item.deposits.map((one) => (isOld(one) ? { ...one, holds: false } : one))
  putItem(turn, { ...item, deposits, heldThere: false })
  turn.effect({ kind: 'outbox', device: item.device })
}

/** Frames looked at per receipt: more than are ever open between two devices. */
const CONTROLS_PAGE = 1_024

/** Notes a received number; whether it counts as new: only then its frame applies. */
export function* noteReceived(turn: Turn, device: Bytes32, c: number): Step<boolean> {
  const before = yield* get(peers, device)
  const noted = before === undefined ? undefined : noteNumbered(before, c)
  if (noted !== undefined) turn.put(peers, device, noted)
  return noted !== undefined
}

/**
 * Notes a received number; undefined where it had come before, or where it would leave more holes
 * than are remembered: then it does not count as received, and its sender offers it again.
 */
export function noteNumbered(peer: Peer, c: number): Peer | undefined {
  if (c <= peer.numberedEnd || rangesHave(peer.numberedAbove, c)) return undefined
  const { n, above } = absorbRanges(peer.numberedEnd, addToRanges(peer.numberedAbove, c))
  if (above.length > NUMBERED_RANGES_MAX) return undefined
  return { ...peer, numberedEnd: n, numberedAbove: above }
}
