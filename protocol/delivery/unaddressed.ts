// Entries written before any device of the contact was known: they wait here, in order, and go into
// the outboxes of its devices when the first bundle comes and names them all.
import { type Bytes32, u64 } from '../../crypto/index.ts'
import { encodeRecord, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, range } from '../step.ts'
import { addEvidence } from './evidence.ts'
import { enqueue, hasRoom } from './outbox.ts'
import { oweLater } from './stop-carriage.ts'

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

/** Rows loaded at once. */
const PAGE = 1_000

export function keepUnaddressed(
  turn: Turn,
  conversation: Bytes32,
  row: { readonly entry: Bytes32; readonly n: number },
): void {
  turn.put(unaddressed, { conversation, n: row.n }, row)
}

/** Addresses what waited to every device of the contact. */
export function* addressTo(
  turn: Turn,
  conversation: Bytes32,
  devices: readonly Bytes32[],
): Step<void> {
  if (devices.length === 0) return
  for (;;) {
    const rows = yield* range(unaddressed, { owner: conversation, limit: PAGE })
    for (const { value } of rows) {
      const { entry, n } = value
      turn.remove(unaddressed, { conversation, n })
      for (const device of devices) {
        const content = { kind: 'entry', conversation, entry, n } as const
        if (yield* hasRoom(device)) yield* enqueue(turn, device, content)
        else yield* oweLater(turn, device, content)
        yield* addEvidence(turn, entry, device, (before) => before)
      }
    }
    if (rows.length < PAGE) return
  }
}

/** How many entries wait for a first device. */
export function* unaddressedCount(conversation: Bytes32): Step<number> {
  return (yield* range(unaddressed, { owner: conversation, limit: PAGE })).length
}
