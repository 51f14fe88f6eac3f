// When each mailbox of this device was last read to its end: what the deletion of keys waits for
// (SPEC.md §4, Retention). Kept, since most programs run for seconds and the wait is 45 days.
import { EMPTY, FieldReader, decodeCbor, encodeCbor, u32 } from '../crypto/index.ts'
import { type Step, type Table, type Turn, allRelayChoices, get } from '../protocol/index.ts'

/** By the slot of a relay choice: guarded clock, Unix ms. */
const drains: Table<number, number> = {
  name: 'drains',
  sealing: 'value',
  place: (slot) => ({ owner: EMPTY, order: u32(slot) }),
  encode: (ms) => encodeCbor([ms]),
  decode: (bytes) => {
    const fields = new FieldReader(decodeCbor(bytes, 32), 'drain')
    const ms = fields.uint('ms')
    fields.end()
    return ms
  },
}

export function* noteDrained(turn: Turn, slot: number): Step<void> {
  turn.put(drains, slot, Math.floor(turn.safeNowMs))
}

/** The oldest of the last times; the present where this device has no mailbox. */
export function* drainedAt(turn: Turn): Step<number> {
  let oldest = turn.safeNowMs
  for (const { slot } of yield* allRelayChoices()) {
    oldest = Math.min(oldest, (yield* get(drains, slot)) ?? 0)
  }
  return oldest
}
