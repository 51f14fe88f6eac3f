// Entries written before any device of the contact was known: they wait here, in order, and go into
// the outbox of the first device whose bundle comes.
import { type Bytes32, u64 } from '../../crypto/index.ts'
import { encodeRecord, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, range } from '../step.ts'
import { enqueue } from './outbox.ts'

const unaddressed: Table<{ conversation: Bytes32; n: number }, { entry: Bytes32; n: number }> = {
  name: 'unaddressed',
  sealing: 'value',
  place: ({ conversation, n }) => ({ owner: conversation, order: u64(n) }),
  encode: (row) => encodeRecord([row.entry, row.n]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'unaddressed entry')
    return { entry: fields.bytes('entry', 32), n: fields.uint('n') }
  },
}

/** Entries moved in one turn: a contact that never answered takes few anyway. */
const PAGE = 1_000

export function keepUnaddressed(
  turn: Turn,
  conversation: Bytes32,
  row: { readonly entry: Bytes32; readonly n: number },
): void {
  turn.put(unaddressed, { conversation, n: row.n }, row)
}

/** Addresses what waited to a device. */
export function* addressTo(turn: Turn, conversation: Bytes32, device: Bytes32): Step<void> {
  const rows = yield* range(unaddressed, { owner: conversation, limit: PAGE })
  for (const { value } of rows) {
    const { entry, n } = value
    turn.remove(unaddressed, { conversation, n })
    yield* enqueue(turn, device, { kind: 'entry', conversation, entry, n })
  }
}

/** How many entries wait for a first device. */
export function* unaddressedCount(conversation: Bytes32): Step<number> {
  return (yield* range(unaddressed, { owner: conversation, limit: PAGE })).length
}
