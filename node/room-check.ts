// Whether a store that was full takes more than a scrap: a row of the size of a large message.
import type { Random } from '../crypto/index.ts'
import { EMPTY } from '../crypto/index.ts'
import type { Table } from '../protocol/index.ts'
import type { RecordStore } from './store/record-store.ts'

/** The longest message with what goes with it. */
const ROOM_BYTES = 65_536

const rooms: Table<0, Uint8Array> = {
  name: 'room-check',
  sealing: 'value',
  place: () => ({ owner: EMPTY, order: EMPTY }),
  encode: (bytes) => bytes,
  decode: (bytes) => bytes,
}

/** Writes such a row and takes it back. Rejects with what the write failed with. */
export async function checkRoom(records: RecordStore, random: Random): Promise<void> {
  const table = rooms as Table<never, unknown>
  const place = rooms.place(0)
  await records.write([records.seal(table, place, random(ROOM_BYTES))])
  await records.write([records.seal(table, place, undefined)])
}
