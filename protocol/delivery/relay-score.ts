// What relays of others did to deserve doubt: signed for a message, and the recipient, who read on,
// never saw it; or showed another incarnation with every reply (SPEC.md §10); or of groups: showed a
// queue that does not hold together (§14.8).
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

const CUSTODY = "A contact's relay signed for messages that the contact never received from it."
const QUEUE = 'A relay of a group hid messages, or showed its members different ones.'

/**
 * Counts against a relay, and tells the user the first time: against one of a device, or, where none
 * is given, against one that carries a group.
 */
export function* scoreDown(
  turn: Turn,
  serviceKey: Bytes32,
  device: Bytes32 | undefined,
): Step<void> {
  const before = yield* relayDoubts(serviceKey)
  turn.put(scores, serviceKey, before + 1)
  if (before > 0) return
  const peer = device === undefined ? undefined : yield* get(peers, device)
  const account = peer?.account
  turn.change({
    kind: 'warning',
    code: 'RELAY_DOUBTED',
    ...(account === undefined ? {} : { account }),
    text: device === undefined ? QUEUE : CUSTODY,
  })
}

/** How often a relay was caught. */
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
