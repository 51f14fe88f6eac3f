// What relays of others did to deserve doubt: signed for a message, and the recipient, who read on,
// never saw it; or showed another incarnation with every reply (SPEC.md §10).
import { type Bytes32, EMPTY, type Mailbox } from '../../crypto/index.ts'
import { peers } from '../peers/peer.ts'
import { encodeRecord, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get } from '../step.ts'

const scores: Table<Bytes32, number> = {
  name: 'relay-scores',
  sealing: 'value',
  place: (serviceKey) => ({ owner: serviceKey, order: EMPTY }),
  encode: (count) => encodeRecord([count]),
  decode: (bytes) => readRecord(bytes, 'relay score').uint('count'),
}

/** Counts against a relay of a device, and tells the user the first time. */
export function* scoreDown(turn: Turn, serviceKey: Bytes32, device: Bytes32): Step<void> {
  const before = yield* relayDoubts(serviceKey)
  turn.put(scores, serviceKey, before + 1)
  if (before > 0) return
  const account = (yield* get(peers, device))?.account
  turn.change({
    kind: 'warning',
    code: 'RELAY_DOUBTED',
    ...(account === undefined ? {} : { account }),
    text: "A contact's relay signed for messages that the contact never received from it.",
  })
}

/** How often a relay was found not to have handed on what it signed for. */
export function* relayDoubts(serviceKey: Bytes32): Step<number> {
  return (yield* get(scores, serviceKey)) ?? 0
}

export interface RankedMailbox {
  readonly mailbox: Mailbox
  readonly doubts: number
}

/** Mailboxes by the doubts about their relays, fewest first; equal ones in their owner's order. */
export function* rankMailboxes(mailboxes: readonly Mailbox[]): Step<readonly RankedMailbox[]> {
  const ranked: RankedMailbox[] = []
  for (const mailbox of mailboxes) {
    ranked.push({ mailbox, doubts: yield* relayDoubts(mailbox.serviceKey) })
  }
  return ranked.sort((a, b) => a.doubts - b.doubts)
}
