// A device's card and one-time keys arrived, from a relay or over a direct stream: check them, begin
// the session, and let what waited be encrypted (SPEC.md §4, §5).
import {
  type Bytes16,
  type Bytes32,
  type Card,
  CryptoError,
  EMPTY,
  type InviteLink,
  type Mailbox,
  type OfferedKey,
  type Prekey,
  equalBytes,
  openItem,
  openPrekey,
  parseInviteLink,
} from '../../crypto/index.ts'
import { encryptAgain } from '../delivery/carriage.ts'
import { followDevices } from '../delivery/follow-devices.ts'
import { enqueue } from '../delivery/outbox.ts'
import { prepareOutbox } from '../delivery/prepare.ts'
import { sendReset } from '../delivery/reset.ts'
import { addressTo } from '../delivery/unaddressed.ts'
import { noteRenewal, renewalIsDue } from '../delivery/unanswered.ts'
import { ProtocolError } from '../errors.ts'
import { askDevice, openJoins } from '../groups/ask.ts'
import { UNCONFIRMED_ENTRIES_MAX } from '../limits.ts'
import { directConversation } from '../log/entry.ts'
import { knownDevices } from '../peers/known-devices.ts'
import { type Peer, type PeerEndpoints, newPeer, peers } from '../peers/peer.ts'
import { chooseSession, sessionIndex } from '../session/session-index.ts'
import { startSession } from '../session/start-session.ts'
import { type Step, type Turn, get } from '../step.ts'
import { countOne } from '../tallies.ts'
import { contactOf } from './contact.ts'
import {
  closeFirstContact,
  type FirstContact,
  inviteIdOf,
  openFirstContact,
} from './first-contact.ts'
import { readCardAt } from './read-card.ts'

export interface ReceivedBundle {
  readonly account: Bytes32
  /** The relay's service key, or the home host's transport key. */
  readonly serviceKey: Bytes32
  /** 16 zeros in a direct bundle. */
  readonly mailboxId: Bytes16
  /** Sealed items as they came; one-time ones may be empty. */
  readonly card: Uint8Array
  readonly opk: Uint8Array
  readonly okem: Uint8Array
  /**
   * Begins anew with a device that never answered: through another relay, without one-time keys,
   * and carrying the oldest entries again (SPEC.md §5.5). Only where such a renewal is due.
   */
  readonly renewal?: boolean
}

/** A one-time prekey; undefined where none came. One that does not verify is refused whole. */
function readPrekey(
  turn: Turn,
  bundle: ReceivedBundle,
  device: Bytes32,
  kind: 1 | 2,
): Prekey | undefined {
  const item = kind === 1 ? bundle.opk : bundle.okem
  if (item.length === 0) return undefined
  return openPrekey(turn.crypto, openItem(turn.crypto, bundle, kind, item), {
    kind,
    device,
    serviceKey: bundle.serviceKey,
    nowS: Math.floor(turn.nowMs / 1000),
  })
}

/**
 * Begins a session with the device whose bundle this is. `resetEpoch` rises by itself where there
 * was a session before. Throws CryptoError for a bundle that does not verify, ERR_PROTOCOL_STATE
 * where the account's lists contradict each other.
 */
export function* takeBundle(turn: Turn, bundle: ReceivedBundle): Step<Bytes32> {
  const card = yield* readCardAt(turn, bundle.account, bundle, bundle.card)
  const { device, dh } = card.cert
  const renewal = bundle.renewal === true
  if (renewal && !(yield* renewalIsDue(turn, device))) return device
  const opk = renewal ? undefined : readPrekey(turn, bundle, device, 1)
  const okem = renewal ? undefined : readPrekey(turn, bundle, device, 2)
  if (!renewal && (opk === undefined || okem === undefined)) {
    yield* countOne(turn, 'degraded-handshakes')
  }
  yield* notePeer(turn, bundle, card)
  const started = yield* startSession(turn, {
    bundle: {
      account: bundle.account,
      device,
      dh,
      list: card.list.bytes,
      spk: asKey(card.signedPrekey),
      kem: asKey(okem ?? card.lastResortKem),
      ...(opk === undefined ? {} : { opk: asKey(opk) }),
    },
  })
  if (started.kind === 'refused') {
    const reason = started.reason
    throw reason === 'bundle'
      ? new CryptoError('ERR_CRYPTO_UNAUTHENTIC', 'the bundle does not verify')
      : new ProtocolError('ERR_PROTOCOL_STATE', 'the account shows two device lists', {
          detail: { reason },
        })
  }
  yield* answerInvite(turn, bundle.account, device)
  yield* askDevice(turn, bundle.account, device)
  const conversation = directConversation(turn.crypto, turn.self.account, bundle.account)
  const devices = yield* knownDevices(bundle.account)
  yield* addressTo(
    turn,
    conversation,
    devices.map((one) => one.device),
  )
  yield* followDevices(turn, bundle.account)
  yield* meetSiblings(turn, card)
  yield* sendReset(turn, device)
  if (renewal) yield* carryOldestAgain(turn, device)
  yield* prepareOutbox(turn, device)
  return device
}

/** The oldest entries, and what introduces us, go out again in the new session. */
function* carryOldestAgain(turn: Turn, device: Bytes32): Step<void> {
  yield* noteRenewal(turn, device)
  const session = chooseSession((yield* get(sessionIndex, device))?.sessions ?? [])
  let entries = 0
  yield* encryptAgain(turn, device, ({ content, message }) => {
    if (session !== undefined && equalBytes(message.sid, session.sid)) return false
    if (content.kind === 'entry') entries += 1
    return content.kind === 'entry' ? entries <= UNCONFIRMED_ENTRIES_MAX : content.kind === 'notice'
  })
}

/** The other devices that the card tells of: where their bundles are, until they speak themselves. */
function* meetSiblings(turn: Turn, card: Card): Step<void> {
  for (const { device, dh } of card.list.devices) {
    if (equalBytes(device, card.cert.device)) continue
    const before = yield* get(peers, device)
    const listed = card.endpoints.find((one) => equalBytes(one.device, device))
    if (listed === undefined || before?.heard === true) continue
    const known = before ?? newPeer({ account: card.list.account, device, dh })
    const { counter } = listed
    if (counter < known.endpoints.counter) continue
    const mailboxes = withCapabilities(listed.mailboxes, known.endpoints.mailboxes)
    turn.put(peers, device, { ...known, endpoints: { ...known.endpoints, mailboxes } })
    yield* prepareOutbox(turn, device)
  }
}

function asKey({ id, publicKey }: OfferedKey): { readonly id: number; readonly key: Uint8Array } {
  return { id, key: publicKey }
}

/** The first message to an inviter: its only frame is the intro that every message carries. */
function* answerInvite(turn: Turn, account: Bytes32, device: Bytes32): Step<void> {
  const contact = yield* contactOf(account)
  const first = contact === undefined ? undefined : yield* openFirstContact(contact.number)
  if (contact === undefined || first === undefined) return
  closeFirstContact(turn, contact.number)
  yield* enqueue(turn, device, { kind: 'notice', frames: EMPTY, untilHeard: true })
}

/** Writes what the card and the link say of the device, below its own later word. */
function* notePeer(turn: Turn, bundle: ReceivedBundle, card: Card): Step<void> {
  const { device, dh } = card.cert
  const before = yield* get(peers, device)
  const contact = yield* contactOf(bundle.account)
  const asked =
    contact === undefined ? undefined : asLink(turn, yield* openFirstContact(contact.number))
  const first = asked ?? (yield* joinLink(turn, bundle.account))
  const link = first?.link
  const known: Peer = before ?? newPeer({ account: bundle.account, device, dh })
  const endpoints = known.heard
    ? laterEndpoints(known, card)
    : firstEndpoints(known, bundle, card, link)
  const invite =
    first === undefined || link === undefined
      ? known.invite
      : {
          inviteId: inviteIdOf(turn, link),
          secret: link.secret,
          claim: first.claim,
          mailbox:
            link.where.kind === 'relay'
              ? { serviceKey: bundle.serviceKey, mailboxId: link.where.mailboxId }
              : undefined,
        }
  turn.put(peers, device, { ...known, endpoints, invite })
}

interface OpenLink {
  readonly link: InviteLink
  readonly claim: Bytes16
}

function asLink(turn: Turn, first: FirstContact | undefined): OpenLink | undefined {
  if (first === undefined) return undefined
  return { link: parseInviteLink(turn.crypto, first.link), claim: first.claim }
}

/** The link by which a group of this account is to be joined. */
function* joinLink(turn: Turn, account: Bytes32): Step<OpenLink | undefined> {
  const joins = yield* openJoins(turn)
  return joins.find(({ link }) => equalBytes(link.account, account))
}

/**
 * A card names no capability. One that the device told, by 0x1086 in a group for one, is good for the
 * same mailbox: without it every deposit would cost a stranger's work.
 */
function withCapabilities(
  listed: readonly Mailbox[],
  told: readonly Mailbox[],
): readonly Mailbox[] {
  return listed.map(
    (mailbox) =>
      told.find(
        ({ serviceKey, mailboxId }) =>
          equalBytes(serviceKey, mailbox.serviceKey) && equalBytes(mailboxId, mailbox.mailboxId),
      ) ?? mailbox,
  )
}

/**
 * Of a device that spoke its own word counts, unless the card is newer: what it said to us since then may
 * have gone to relays that are no more.
 */
function laterEndpoints({ endpoints }: Peer, card: Card): PeerEndpoints {
  const listed = card.endpoints.find((one) => equalBytes(one.device, card.cert.device))
  if (listed === undefined || listed.counter <= endpoints.counter) return endpoints
  // The counter stays: its own frame of that count says more, and is still to be taken.
  return { ...endpoints, mailboxes: withCapabilities(listed.mailboxes, endpoints.mailboxes) }
}

/** Until the device spoke: the link's own place, or else what its card lists. */
function firstEndpoints(
  known: Peer,
  bundle: ReceivedBundle,
  card: Card,
  link: InviteLink | undefined,
): PeerEndpoints {
  const listed = card.endpoints.find((one) => equalBytes(one.device, card.cert.device))
  const seal = { id: card.sealKey.id, publicKey: card.sealKey.publicKey }
  if (link === undefined) {
    const told = known.endpoints.mailboxes
    const mailboxes = listed === undefined ? told : withCapabilities(listed.mailboxes, told)
    return { ...known.endpoints, mailboxes, seal }
  }
  if (link.where.kind === 'direct') {
    const home = { transportKey: link.where.transportKey, addresses: [link.address] }
    return { ...known.endpoints, mailboxes: listed?.mailboxes ?? [], home, seal }
  }
  const mailbox: Mailbox = {
    serviceKey: bundle.serviceKey,
    addresses: [link.address],
    mailboxId: bundle.mailboxId,
  }
  return { ...known.endpoints, mailboxes: [mailbox], seal }
}
