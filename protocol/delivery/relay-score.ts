// What relays of others did to deserve doubt: signed for a message, and the recipient, who read on,
// never saw it; or showed another incarnation with every reply (SPEC.md §10); or of groups: showed a
// queue that does not hold together (§14.8).
import { type Bytes32, EMPTY } from '../../crypto/index.ts'
import { encodeRecord, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get } from '../step.ts'

const scores: Table<Bytes32, number> = {
  name: 'relay-scores',
  sealing: 'value',
  place: (serviceKey) => ({ owner: serviceKey, order: EMPTY }),
  encode: (count) => encodeRecord([count]),
  decode: (bytes) => readRecord(bytes, 'relay score').uint('count'),
}

/** What a relay was caught at, in the user's words. */
const CAUGHT = {
  custody: "A contact's relay signed for messages that the contact never received from it.",
  queue: 'A relay of a group hid messages, or showed its members different ones.',
} as const

/** Counts against a relay, and tells the user the first time. */
export function* scoreDown(
  turn: Turn,
  serviceKey: Bytes32,
  at: keyof typeof CAUGHT = 'custody',
): Step<void> {
  const before = yield* relayDoubts(serviceKey)
  turn.put(scores, serviceKey, before + 1)
  if (before > 0) return
  turn.change({
    kind: 'warning',
    code: 'RELAY_DOUBTED',
    text: CAUGHT[at],
  })
}

/** How often a relay was caught. */
export function* relayDoubts(serviceKey: Bytes32): Step<number> {
  return (yield* get(scores, serviceKey)) ?? 0
}
