// The base that a device joining an existing conversation is sent: a numbered frame, in the outbox
// like any other, and repeated in every message until something came back (SPEC.md §8.8).
import { type Bytes32, EMPTY } from '../../crypto/index.ts'
import type { Frame } from '../frames.ts'
import { encodeRecord, readRecord } from '../record.ts'
import { type Step, type Table, get } from '../step.ts'
import { controlFrame } from './control.ts'

/** The number of the base frame, by device. */
export const joinBases: Table<Bytes32, number> = {
  name: 'join-bases',
  sealing: 'value',
  place: (device) => ({ owner: device, order: EMPTY }),
  encode: (c) => encodeRecord([c]),
  decode: (bytes) => readRecord(bytes, 'join base').uint('c'),
}

/** The base for a device, while no receipt covers it; not the one that item `c` carries itself. */
export function* joinBase(device: Bytes32, carried: number | undefined): Step<readonly Frame[]> {
  const c = yield* get(joinBases, device)
  if (c === undefined || c === carried) return []
  const frame = yield* controlFrame(device, c)
  return frame === undefined ? [] : [frame]
}
