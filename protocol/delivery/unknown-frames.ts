// Numbered frames of kinds this build does not know: kept raw, acknowledged by their number, applied
// after an upgrade (SPEC.md §8).
import { type Bytes32, u64 } from '../../crypto/index.ts'
import type { UnknownNumbered } from '../content/registry.ts'
import { UNKNOWN_NUMBERED_MAX } from '../limits.ts'
import { encodeRecord, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, range } from '../step.ts'

const unknownFrames: Table<{ device: Bytes32; c: number }, UnknownNumbered> = {
  name: 'unknown-frames',
  sealing: 'state',
  place: ({ device, c }) => ({ owner: device, order: u64(c) }),
  encode: (frame) => encodeRecord([frame.kind, frame.c, frame.body]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'unknown frame')
    const kind = fields.uint('kind', 0xffff)
    const c = fields.uint('c')
    return { kind, c, body: fields.bytes('body', 0, 65_535) }
  },
}

/** Keeps a frame, and at most 256 of a device: the oldest goes. */
export function* keepUnknownNumbered(
  turn: Turn,
  device: Bytes32,
  frame: UnknownNumbered,
): Step<void> {
  const rows = yield* range(unknownFrames, { owner: device, limit: UNKNOWN_NUMBERED_MAX })
  const [oldest] = rows
  if (rows.length >= UNKNOWN_NUMBERED_MAX && oldest !== undefined) {
    turn.remove(unknownFrames, { device, c: oldest.value.c })
  }
  turn.put(unknownFrames, { device, c: frame.c }, { ...frame, body: frame.body.slice() })
}
