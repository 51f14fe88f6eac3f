// Custody that nothing comes back to is asked about again, with the stored bytes: the relay that
// still holds them says so, one that lost its store without noticing takes them anew, and where the
// recipient took them its receipt was lost, so that something goes out that is receipted (SPEC.md §10).
import { type Bytes16, type Bytes32, type Bytes8, EMPTY, equalBytes } from '../../crypto/index.ts'
import { contactOf, isAccepted } from '../contacts/contact.ts'
import { CUSTODY_DOUBT_MS, CUSTODY_PROBE_MS, NOTICE_WAIT_MS } from '../limits.ts'
import { capabilityHolder } from '../peers/handed-capability.ts'
import { sendEndpoints } from '../peers/own-endpoints.ts'
import { peers } from '../peers/peer.ts'
import { encodeRecord, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get } from '../step.ts'
import { addEvidence } from './evidence.ts'
import { type Deposit, type OutboxItem, dequeue, eachItem, putItem } from './outbox.ts'

/** What a relay found when it was handed an envelope. */
export type Found =
  /** It had never seen it, or forgot. */
  | 'new'
  /** It holds it. */
  | 'there'
  /** The owner of the mailbox acknowledged it. */
  | 'taken'

/** When something was last sent to a device only to have it answer, guarded clock. */
const nudges: Table<Bytes32, number> = {
  name: 'nudges',
  sealing: 'value',
  place: (device) => ({ owner: device, order: EMPTY }),
  encode: (atMs) => encodeRecord([atMs]),
  decode: (bytes) => readRecord(bytes, 'nudge').uint('at'),
}

/** Asks every relay about the newest item of a device, where all that they said is old. */
export function* probeCustody(turn: Turn, device: Bytes32): Step<void> {
  let newest: OutboxItem | undefined
  yield* eachItem(device, function* (item) {
    if (item.message !== undefined && item.content.kind !== 'notice') newest = item
  })
  if (newest === undefined || newest.heldThere) return
  const held = newest.deposits.filter(({ holds }) => holds)
  if (held.length === 0 || held.some((one) => turn.safeNowMs - one.atMs < CUSTODY_PROBE_MS)) return
  putItem(turn, { ...newest, deposits: newest.deposits.map((one) => ({ ...one, holds: false })) })
  turn.effect({ kind: 'outbox', device })
}

/** Draws the conclusion from the answer of a relay that had signed for an item before. */
export function* noteFound(
  turn: Turn,
  item: OutboxItem,
  before: Deposit,
  found: Found,
): Step<void> {
  if (found === 'new') yield* doubtMailbox(turn, item.device, before.mailboxId)
  if (found !== 'taken' || item.content.kind === 'notice') return
  yield* nudge(turn, item.device)
}

/** Sends a device our endpoints, once in six hours whatever the cause. */
function* nudge(turn: Turn, device: Bytes32): Step<void> {
  const lastMs = (yield* get(nudges, device)) ?? Number.NEGATIVE_INFINITY
  if (turn.safeNowMs - lastMs < CUSTODY_PROBE_MS) return
  turn.put(nudges, device, turn.safeNowMs)
  // A co-member is told no endpoints: what it lacks of a group it asks for itself.
  const account = (yield* get(peers, device))?.account
  if (account === undefined || !isAccepted(yield* contactOf(account))) return
  yield* sendEndpoints(turn, device)
}

/**
 * An envelope came that none of our keys opens. Where a contact's capability paid for it, that
 * contact seals to a key that is gone: it is told the present one (SPEC.md §7.1).
 */
export function* noteUnopened(turn: Turn, capId: Bytes8 | undefined): Step<void> {
  const device = capId === undefined ? undefined : yield* capabilityHolder(capId)
  const peer = device === undefined ? undefined : yield* get(peers, device)
  if (peer === undefined || !isAccepted(yield* contactOf(peer.account))) return
  yield* nudge(turn, peer.device)
}

/**
 * A relay lost something that it signed for: all else that it signed for goes out again, but not what
 * it signed for within the last minute: one that forgets everything would have us deposit for ever.
 */
function* doubtMailbox(turn: Turn, device: Bytes32, mailboxId: Bytes16): Step<void> {
  yield* eachItem(device, function* (item) {
    const lost = item.deposits.find(
      (one) =>
        one.holds &&
        equalBytes(one.mailboxId, mailboxId) &&
        turn.safeNowMs - one.atMs > CUSTODY_DOUBT_MS,
    )
    if (lost === undefined) return
    putItem(turn, {
      ...item,
      deposits: item.deposits.map((one) => (one === lost ? { ...one, holds: false } : one)),
    })
    if (item.content.kind !== 'entry') return
    yield* addEvidence(turn, item.content.entry, device, (evidence) => ({
      ...evidence,
      custody: evidence.custody.map((custody) =>
        equalBytes(custody.serviceKey, lost.serviceKey) ? { ...custody, void: true } : custody,
      ),
    }))
  })
  turn.effect({ kind: 'outbox', device })
}

/** Drops notices that one relay took and another could not be handed for an hour. */
export function* dropOldNotices(turn: Turn, device: Bytes32): Step<void> {
  yield* eachItem(device, function* (item) {
    const { content, deposits } = item
    if (content.kind !== 'notice' || content.untilHeard) return
    if (deposits.some((one) => one.holds && turn.safeNowMs - one.atMs > NOTICE_WAIT_MS)) {
      yield* dequeue(turn, item)
    }
  })
}
