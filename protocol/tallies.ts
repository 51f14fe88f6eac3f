// Durable counts of what happened and is nobody's message: shown in sums, never per person.
import { EMPTY, encodeText } from '../crypto/index.ts'
import { encodeRecord, readRecord } from './record.ts'
import { type Step, type Table, type Turn, get } from './step.ts'

/** degraded-handshakes: begun without a one-time prekey or without a one-time KEM key (SPEC.md §4). */
export type Tally = 'degraded-handshakes'

const tallies: Table<Tally, number> = {
  name: 'tallies',
  sealing: 'value',
  place: (name) => ({ owner: EMPTY, order: encodeText(name) }),
  encode: (count) => encodeRecord([count]),
  decode: (bytes) => readRecord(bytes, 'tally').uint('count'),
}

export function* tallyOf(name: Tally): Step<number> {
  return (yield* get(tallies, name)) ?? 0
}

export function* countOne(turn: Turn, name: Tally): Step<void> {
  turn.put(tallies, name, (yield* tallyOf(name)) + 1)
}
