// The rendezvous mailboxes of one's own account (SPEC.md §2.6): where its card lies besides the
// device's own mailboxes, so that contacts find a restored account. Their keys come from the 24 words.
import {
  type Bytes8,
  type Bytes16,
  type Bytes32,
  EMPTY,
  RENDEZVOUS_MAX,
  type Rendezvous,
  equalBytes,
  rendezvousMailboxId,
  rendezvousOwnerSeed,
} from '../../crypto/index.ts'
import { RENDEZVOUS_GENERATIONS_MAX, RENDEZVOUS_SETUP_MS } from '../limits.ts'
import { buildCard, type CardItem, cardIsDue } from '../prekeys/bundle.ts'
import { encodeRecord, orEmpty, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get } from '../step.ts'
import { type CardMark, cardMark, cardOffer, sameMark } from './card-offer.ts'
import { type OwnMailbox, activeMailboxes, allRelayChoices } from './own-mailbox.ts'

/**
 * rdvRoot_0, rdvRoot_1, .. from when the words were at hand: two for a new account, 66 for a restored
 * one, which has to find its generation. Deleted once the relays named then were met: from there on a
 * stolen device has the keys of the present generation alone.
 */
export interface RendezvousRoots {
  readonly roots: readonly Bytes32[]
  /** Guarded clock. */
  readonly madeAtMs: number
}

export const rendezvousRoots: Table<0, RendezvousRoots> = {
  name: 'rdv-roots',
  sealing: 'state',
  place: () => ({ owner: EMPTY, order: EMPTY }),
  encode: ({ roots, madeAtMs }) => encodeRecord([[...roots], madeAtMs]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'rendezvous roots')
    const roots = fields
      .array('roots', 0, RENDEZVOUS_GENERATIONS_MAX + 2)
      .map((root) => root as Uint8Array)
    return { roots, madeAtMs: fields.uint('madeAt') }
  },
}

/** One rendezvous mailbox, by the slot of its relay. */
export interface OwnRendezvous {
  readonly ownerSeed: Bytes32
  readonly idNow: Bytes16
  readonly idNext: Bytes16
  /** What its relay held last: none before the first card. */
  readonly incarnation: Bytes8 | undefined
  readonly cardIssuedAtS: number
  readonly mark: CardMark
}

export const ownRendezvous: Table<number, OwnRendezvous> = {
  name: 'rdv-own',
  sealing: 'state',
  place: (slot) => ({ owner: EMPTY, order: Uint8Array.of(slot) }),
  encode: (row) =>
    encodeRecord([
      row.ownerSeed,
      row.idNow,
      row.idNext,
      orEmpty(row.incarnation),
      row.cardIssuedAtS,
      row.mark.sealId,
      row.mark.counter,
    ]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'own rendezvous')
    return {
      ownerSeed: fields.bytes('ownerSeed', 32),
      idNow: fields.bytes('idNow', 16),
      idNext: fields.bytes('idNext', 16),
      incarnation: fields.optional('incarnation', 8),
      cardIssuedAtS: fields.uint('cardIssuedAt'),
      mark: { sealId: fields.uint('sealId'), counter: fields.uint('counter') },
    }
  },
}

/**
 * Ids at a relay among which this account's generation is to be found: the first one without a card.
 * Undefined where that is settled, or the words were at hand too long ago.
 */
export function* rendezvousToFind(
  turn: Turn,
  { slot, serviceKey }: OwnMailbox,
): Step<readonly Bytes16[] | undefined> {
  if ((yield* get(ownRendezvous, slot)) !== undefined) return undefined
  const kept = yield* get(rendezvousRoots, 0)
  if (kept === undefined) return undefined
  const slots = (yield* allRelayChoices()).map((choice) => choice.slot).slice(0, RENDEZVOUS_MAX)
  if (!slots.includes(slot)) return undefined
  const candidates = kept.roots.slice(0, -1)
  return candidates.map((root) => rendezvousMailboxId(turn.crypto, root, serviceKey))
}

/** Deletes roots for relays that were never met. Once an hour. */
export function* forgetRendezvousRoots(turn: Turn): Step<void> {
  const kept = yield* get(rendezvousRoots, 0)
  if (kept === undefined || turn.safeNowMs - kept.madeAtMs <= RENDEZVOUS_SETUP_MS) return
  turn.remove(rendezvousRoots, 0)
}

/** The account's generation at a relay is known. */
export function* settleRendezvous(
  turn: Turn,
  { slot, serviceKey }: OwnMailbox,
  generation: number,
): Step<void> {
  const kept = yield* get(rendezvousRoots, 0)
  const [now, next] = kept?.roots.slice(generation, generation + 2) ?? []
  if (now === undefined || next === undefined) return
  turn.put(ownRendezvous, slot, {
    ownerSeed: rendezvousOwnerSeed(turn.crypto, now, serviceKey),
    idNow: rendezvousMailboxId(turn.crypto, now, serviceKey),
    idNext: rendezvousMailboxId(turn.crypto, next, serviceKey),
    incarnation: undefined,
    cardIssuedAtS: 0,
    mark: { sealId: 0, counter: 0 },
  })
  for (const choice of (yield* allRelayChoices()).slice(0, RENDEZVOUS_MAX)) {
    if ((yield* get(ownRendezvous, choice.slot)) === undefined) return
  }
  turn.remove(rendezvousRoots, 0)
}

/** What cards and endpoints say of them. */
export function* rendezvousList(): Step<readonly Rendezvous[]> {
  const list: Rendezvous[] = []
  for (const { slot, serviceKey, address } of yield* activeMailboxes()) {
    const row = yield* get(ownRendezvous, slot)
    if (row === undefined || list.length >= RENDEZVOUS_MAX) continue
    list.push({ serviceKey, address, idNow: row.idNow, idNext: row.idNext })
  }
  return list
}

/** A card that is to lie at a rendezvous mailbox. */
export interface RendezvousCard {
  readonly ownerSeed: Bytes32
  readonly mailboxId: Bytes16
  readonly card: CardItem
  readonly mark: CardMark
}

/** The card that is due at the rendezvous mailbox of a relay; undefined: none. */
export function* rendezvousCard(
  turn: Turn,
  { slot, serviceKey, incarnation }: OwnMailbox,
): Step<RendezvousCard | undefined> {
  const row = yield* get(ownRendezvous, slot)
  if (row === undefined || incarnation === undefined) return undefined
  const mark = yield* cardMark(turn)
  const isHeld = row.incarnation !== undefined && equalBytes(row.incarnation, incarnation)
  const isFresh = isHeld && !cardIsDue(row.cardIssuedAtS, turn.safeNowMs)
  if (isFresh && sameMark(row.mark, mark)) return undefined
  const { ownerSeed, idNow: mailboxId } = row
  const offer = yield* cardOffer(turn, yield* rendezvousList())
  return {
    ownerSeed,
    mailboxId,
    card: yield* buildCard(turn, { serviceKey, mailboxId }, offer, row.cardIssuedAtS),
    mark,
  }
}

/** The relay has the card. */
export function* noteRendezvousCard(
  turn: Turn,
  { slot, incarnation }: OwnMailbox,
  { card, mark }: RendezvousCard,
): Step<void> {
  const row = yield* get(ownRendezvous, slot)
  if (row === undefined) return
  turn.put(ownRendezvous, slot, { ...row, incarnation, cardIssuedAtS: card.issuedAtS, mark })
}
