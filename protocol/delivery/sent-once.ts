// What a caller sent under an id of its own making: asked for again, as one does whose answer was lost,
// it is found and not sent twice. Kept as long as the entries are.
import { type Bytes32, EMPTY, encodeText } from '../../crypto/index.ts'
import { encodeRecord, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get } from '../step.ts'

/** Caller's id -> entry. */
const sentOnce: Table<string, Bytes32> = {
  name: 'sent-once',
  sealing: 'value',
  place: (once) => ({ owner: encodeText(once), order: EMPTY }),
  encode: (entry) => encodeRecord([entry]),
  decode: (bytes) => readRecord(bytes, 'entry sent once').bytes('entry', 32),
}

/** The entry that was sent under this id; undefined where none was. */
export function* sentUnder(once: string): Step<Bytes32 | undefined> {
  return yield* get(sentOnce, once)
}

/** Keeps an id with the entry, in the batch that sends it. */
export function keepSentUnder(turn: Turn, once: string, entry: Bytes32): void {
  turn.put(sentOnce, once, entry)
}
