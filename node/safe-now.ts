// The guarded clock as it is written down (SPEC.md §1).
import { EMPTY, FieldReader, decodeCbor, encodeCbor } from '../crypto/index.ts'
import type { Step, Table, Turn } from '../protocol/index.ts'
import type { RecordStore } from './store/record-store.ts'

const safeNows: Table<0, number> = {
  name: 'safe-now',
  sealing: 'value',
  place: () => ({ owner: EMPTY, order: EMPTY }),
  encode: (ms) => encodeCbor([ms]),
  decode: (bytes) => new FieldReader(decodeCbor(bytes, 32), 'safe-now').uint('ms'),
}

/** As last written; undefined in a new profile. */
export async function readSafeNow(records: RecordStore): Promise<number | undefined> {
  const value = await records.get(safeNows as Table<never, unknown>, safeNows.place(0))
  return value as number | undefined
}

export function* writeSafeNow(turn: Turn): Step<void> {
  turn.put(safeNows, 0, Math.floor(turn.safeNowMs))
}
