// Marks: 8 random bytes in a row, others after each change of what they stand for. What is kept between
// turns (memory.ts) is kept under such a mark: a turn that was undone leaves the row that was there, and
// what it kept fits that no more.
import { type Bytes8, expectLength, toHex } from '../crypto/index.ts'
import { type Place, type Step, type Table, type Turn, get } from './step.ts'

/** A table of marks. */
export function markTable<K>(name: string, place: (key: K) => Place): Table<K, Bytes8> {
  return {
    name,
    sealing: 'value',
    place,
    encode: (mark) => mark,
    decode: (bytes) => {
      expectLength(bytes, 8, name)
      return bytes.slice()
    },
  }
}

/** The mark as text; '' where none was set. */
export function* markOf<K>(table: Table<K, Bytes8>, key: K): Step<string> {
  const mark = yield* get(table, key)
  return mark === undefined ? '' : toHex(mark)
}

/** Sets another mark, and returns it. */
export function setMark<K>(turn: Turn, table: Table<K, Bytes8>, key: K): string {
  const mark = turn.random(8)
  turn.put(table, key, mark)
  return toHex(mark)
}
