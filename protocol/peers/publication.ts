// What one relay must hold for us: card, one-time prekeys, invites (SPEC.md §4, §12). A relay that
// lost its store shows another incarnation, and gets everything again.
import {
  type Bytes8,
  type Bytes16,
  type Bytes32,
  EMPTY,
  compareBytes,
  equalBytes,
  inviteCapability,
} from '../../crypto/index.ts'
import { allContacts, isAccepted } from '../contacts/contact.ts'
import { allInvites, isAtRelay, markInvite } from '../contacts/invite.ts'
import { markReceiptDue } from '../delivery/receipts-out.ts'
import { ProtocolError } from '../errors.ts'
import { MAILBOX_LIMITS } from '../mailbox/limits.ts'
import { directConversation } from '../log/entry.ts'
import { buildCard, cardIsDue, type CardItem } from '../prekeys/bundle.ts'
import { issuePrekeys, refillCounts } from '../prekeys/issue.ts'
import type { PrekeyItem } from '../relay/ops-keys.ts'
import { mailboxIdOf } from '../relay/mailbox-keys.ts'
import { encodeRecord, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get } from '../step.ts'
import { type CardMark, cardMark, cardOffer, sameMark } from './card-offer.ts'
import { knownDevices } from './known-devices.ts'
import { peers } from './peer.ts'
import { rendezvousList } from './rendezvous.ts'
import { type OwnMailbox, type RelayChoice, mailboxOwnerSeed, ownMailboxes } from './own-mailbox.ts'

/** The mailbox at a relay that was just met; made at the first meeting. */
export function* meetRelay(turn: Turn, choice: RelayChoice, serviceKey: Bytes32): Step<OwnMailbox> {
  const before = yield* get(ownMailboxes, choice.slot)
  if (before !== undefined && compareBytes(before.serviceKey, serviceKey) === 0) {
    if (before.address === choice.address) return before
    const moved = { ...before, address: choice.address, transportKey: choice.transportKey }
    turn.put(ownMailboxes, choice.slot, moved)
    return moved
  }
  const ownerSeed = mailboxOwnerSeed(turn, turn.self, serviceKey)
  const own: OwnMailbox = {
    slot: choice.slot,
    serviceKey,
    address: choice.address,
    transportKey: choice.transportKey,
    mailboxId: mailboxIdOf(turn.crypto, 1, turn.crypto.ed25519PublicKey(ownerSeed)),
    generation: 0,
    incarnation: undefined,
    headSequence: 0,
    cardIssuedAtS: 0,
    retired: false,
  }
  turn.put(ownMailboxes, choice.slot, own)
  return own
}

/** Notes the incarnation a relay showed; another one than before voids what it was told. */
export function* noteIncarnation(turn: Turn, slot: number, incarnation: Bytes8): Step<OwnMailbox> {
  const own = yield* known(slot)
  if (own.incarnation !== undefined && compareBytes(own.incarnation, incarnation) === 0) return own
  // cardIssuedAt 0 makes the next publication a full one, with the prekeys replaced.
  const next = { ...own, incarnation, cardIssuedAtS: 0, headSequence: 0 }
  turn.put(ownMailboxes, slot, next)
  if (own.incarnation !== undefined) yield* tellWhatIsHad(turn)
  return next
}

/** A relay lost its store: whoever deposited there learns from a receipt what must go out again. */
function* tellWhatIsHad(turn: Turn): Step<void> {
  for (const contact of yield* allContacts()) {
    if (!isAccepted(contact)) continue
    const conversation = directConversation(turn.crypto, turn.self.account, contact.account)
    for (const { device } of yield* knownDevices(contact.account)) {
      if ((yield* get(peers, device))?.heard !== true) continue
      yield* markReceiptDue(turn, device, conversation)
    }
  }
}

function* known(slot: number): Step<OwnMailbox> {
  const own = yield* get(ownMailboxes, slot)
  if (own === undefined) throw new ProtocolError('ERR_PROTOCOL_UNKNOWN', 'no such mailbox')
  return own
}

/** What the last card at a mailbox named. */
const cardMarks: Table<number, CardMark> = {
  name: 'card-marks',
  sealing: 'value',
  place: (slot) => ({ owner: EMPTY, order: Uint8Array.of(slot) }),
  encode: (mark) => encodeRecord([mark.sealId, mark.counter]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'card mark')
    return { sealId: fields.uint('sealId'), counter: fields.uint('counter') }
  },
}

export interface Publication {
  readonly card: CardItem | undefined
  readonly prekeys: readonly PrekeyItem[]
  readonly replacePrekeys: boolean
  /** Those that the relay was not told of yet. */
  readonly invites: readonly {
    readonly inviteId: Bytes16
    readonly capId: Bytes8
    readonly capKey: Bytes32
    readonly expiresS: number
    readonly uses: number
  }[]
  /** Those that the relay was told of, and need not know any more. */
  readonly endedInvites: readonly { readonly inviteId: Bytes16; readonly capId: Bytes8 }[]
  /** Of the mailbox that all this is for. */
  readonly incarnation: Bytes8 | undefined
  readonly mark: CardMark
}

/** Uses of a reusable invite at the relay: what every relay grants; above it the invite is refused. */
const REUSABLE_USES: number = MAILBOX_LIMITS.inviteUses

/** What is due at a relay that has so many one-time prekeys of ours left. */
export function* publication(
  turn: Turn,
  slot: number,
  left: { readonly opk: number; readonly okem: number },
): Step<Publication> {
  const own = yield* known(slot)
  const mark = yield* cardMark(turn)
  const fresh = own.cardIssuedAtS === 0
  const changed = !sameMark(yield* get(cardMarks, slot), mark)
  const cardDue = fresh || changed || cardIsDue(own.cardIssuedAtS, turn.safeNowMs)
  const card = cardDue
    ? yield* buildCard(
        turn,
        own,
        yield* cardOffer(turn, yield* rendezvousList()),
        own.cardIssuedAtS,
      )
    : undefined
  const issued = yield* issuePrekeys(turn, own, refillCounts(fresh ? { opk: 0, okem: 0 } : left))
  return {
    card,
    prekeys: [
      ...issued.opk.map((item) => ({ class: 1, item }) as const),
      ...issued.okem.map((item) => ({ class: 2, item }) as const),
    ],
    replacePrekeys: fresh,
    ...(yield* inviteChanges(turn, own)),
    incarnation: own.incarnation,
    mark,
  }
}

function* inviteChanges(
  turn: Turn,
  own: OwnMailbox,
): Step<Pick<Publication, 'invites' | 'endedInvites'>> {
  const live: Publication['invites'][number][] = []
  const ended: Publication['endedInvites'][number][] = []
  let standing = 0
  for (const invite of yield* allInvites()) {
    if (invite.serviceKey === undefined) continue
    if (compareBytes(invite.serviceKey, own.serviceKey) !== 0) continue
    const { inviteId, published, expiresAtS: expiresS } = invite
    const isThere =
      published !== undefined &&
      own.incarnation !== undefined &&
      equalBytes(published, own.incarnation)
    const isDue = isAtRelay(invite, turn.safeNowMs)
    if (isDue) standing += 1
    // A profile of before this bound may have more: those wait for room.
    if (isDue === isThere || (isDue && standing > MAILBOX_LIMITS.invites)) continue
    const { capId, capKey } = inviteCapability(turn.crypto, invite.secret, own.mailboxId)
    if (isThere) ended.push({ inviteId, capId })
    else {
      live.push({ inviteId, capId, capKey, expiresS, uses: invite.reusable ? REUSABLE_USES : 1 })
    }
  }
  return { invites: live, endedInvites: ended }
}

/** Remembers what a relay acknowledged. */
export function* notePublished(turn: Turn, slot: number, done: Publication): Step<void> {
  for (const { inviteId } of done.invites) yield* markInvite(turn, inviteId, done.incarnation)
  for (const { inviteId } of done.endedInvites) yield* markInvite(turn, inviteId, undefined)
  if (done.card === undefined) return
  const own = yield* known(slot)
  turn.put(ownMailboxes, slot, { ...own, cardIssuedAtS: done.card.issuedAtS })
  turn.put(cardMarks, slot, done.mark)
}
