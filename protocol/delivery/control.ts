// Numbered frames: applied once, in any order, across sessions; kept here and encrypted again after
// a reset until a receipt covers their number (SPEC.md §8).
import { type Bytes32, readU64, u64 } from '../../crypto/index.ts'
import type { Frame } from '../frames.ts'
import { absorbRanges, addToRanges, rangesHave } from '../log/ranges.ts'
import { type Peer, peers } from '../peers/peer.ts'
import { encodeRecord, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get, range } from '../step.ts'
import { dequeue, enqueue, outbox } from './outbox.ts'

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

/** Drops every frame that a receipt covers: numbers 1..end and the ranges above. */
export function* controlsReceived(
  turn: Turn,
  device: Bytes32,
  end: number,
  above: readonly (readonly [number, number])[],
): Step<void> {
  const rows = yield* range(controls, { owner: device, limit: CONTROLS_PAGE })
  for (const { order, value } of rows) {
    const c = readU64(order, 0)
    if (c > end && !rangesHave(above, c)) continue
    turn.remove(controls, { device, c })
    const item = yield* get(outbox, { device, sequence: value.sequence })
    if (item !== undefined) yield* dequeue(turn, item)
  }
}

/** Frames looked at per receipt: more than are ever open between two devices. */
const CONTROLS_PAGE = 1_024

/** Notes a received number; undefined where it had come before. */
export function noteNumbered(peer: Peer, c: number): Peer | undefined {
  if (c <= peer.numberedEnd || rangesHave(peer.numberedAbove, c)) return undefined
  const { n, above } = absorbRanges(peer.numberedEnd, addToRanges(peer.numberedAbove, c))
  return { ...peer, numberedEnd: n, numberedAbove: above }
}
