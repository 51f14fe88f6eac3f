// Applies the frames of one opened message: entries into the log, evidence from receipts,
// endpoints, lists and intros into what we know of the peer (SPEC.md §8).
import { type Bytes32, equalBytes, openDeviceList } from '../../crypto/index.ts'
import { type Admission, introOf } from '../contacts/admission.ts'
import {
  type Contact,
  allContacts,
  contactOf,
  isAccepted,
  newContact,
  putContact,
} from '../contacts/contact.ts'
import { closeFirstContact } from '../contacts/first-contact.ts'
import { introduce } from '../contacts/introduce.ts'
import { claimInvite } from '../contacts/invite.ts'
import { uniqueName } from '../contacts/names.ts'
import { type MessageFrames, decodeMessageFrames, numberOf } from '../content/registry.ts'
import type { Intro } from '../content/intro.ts'
import { entryFrame } from '../content/entry.ts'
import { endpointsFrame } from '../content/endpoints.ts'
import { readFrame } from '../content/kind.ts'
import { listFrame } from '../content/list.ts'
import { listRequestFrame } from '../content/list-request.ts'
import { receiptFrame } from '../content/receipt.ts'
import { resetFrame } from '../content/reset.ts'
import { type Frame, frameClass } from '../frames.ts'
import { ProtocolError } from '../errors.ts'
import { REQUESTS_PER_ACCOUNT_MAX } from '../limits.ts'
import { acceptEntry } from '../log/accept.ts'
import { directConversation } from '../log/entry.ts'
import { adoptDeviceList } from '../peers/device-lists.ts'
import { knownDevices } from '../peers/known-devices.ts'
import { sendEndpoints } from '../peers/own-endpoints.ts'
import { sendList } from '../peers/own-list.ts'
import { NO_ENDPOINTS, type Peer, peers } from '../peers/peer.ts'
import type { OpenedInner } from '../session/open-outcome.ts'
import { type Step, type Turn, get } from '../step.ts'
import { noteNumbered } from './control.ts'
import type { Arrival, ArrivalAnswer } from './arrival.ts'
import { applyReset } from './reset.ts'
import { markReceiptDue } from './receipts-out.ts'
import { takeReceipt } from './receipts-in.ts'
import { addressTo } from './unaddressed.ts'
import { keepUnknownNumbered } from './unknown-frames.ts'

interface Opened {
  readonly opened: OpenedInner
  /** The verdict on a new session's peer; undefined on one that was known. */
  readonly admission: Admission | undefined
  readonly arrival: Arrival
}

const COMMITTED: ArrivalAnswer = { code: 'committed', detail: 0, malformed: false }
const IN_REQUESTS: ArrivalAnswer = { code: 'held', detail: 2, malformed: false }
const REFUSED: ArrivalAnswer = { code: 'refused', detail: 0, malformed: false }

/** Applies a message whose session step is part of this turn. */
export function* applyMessage(turn: Turn, { opened, admission }: Opened): Step<ArrivalAnswer> {
  const message = decodeMessageFrames(opened.frames, 'ratchet')
  const peer = yield* notePeer(turn, opened, message)
  const contact = yield* settleContact(turn, opened, admission, introOf(message.frames))
  if (contact.state === 'blocked' || contact.state === 'removed') return REFUSED
  const accepted = isAccepted(contact)
  const conversation = directConversation(turn.crypto, turn.self.account, opened.account)
  let due = false
  let entries = 0
  for (const frame of message.frames) {
    const moved = yield* applyFrame(turn, { peer, contact, conversation, accepted, frame })
    if (frame.kind === entryFrame.kind) entries += 1
    due ||= moved
  }
  for (const frame of message.unknownNumbered) {
    const now = yield* get(peers, peer.device)
    const next = now === undefined ? undefined : noteNumbered(now, frame.c)
    if (next === undefined) continue
    turn.put(peers, peer.device, next)
    yield* keepUnknownNumbered(turn, peer.device, frame)
    due = true
  }
  if (!accepted) {
    if (entries > 0) {
      putContact(turn, { ...contact, requestEntries: contact.requestEntries + entries })
    }
    return IN_REQUESTS
  }
  if (due) yield* markReceiptDue(turn, peer.device, conversation)
  return { ...COMMITTED, from: { account: peer.account, device: peer.device } }
}

/** Notes that a device was heard, and where its intro says it is reached. */
function* notePeer(turn: Turn, opened: OpenedInner, message: MessageFrames): Step<Peer> {
  const before = yield* get(peers, opened.device)
  const intro = introOf(message.frames)
  const known: Peer = before ?? {
    account: opened.account,
    device: opened.device,
    dh: yield* listedDh(opened),
    endpoints: NO_ENDPOINTS,
    invite: undefined,
    heard: false,
    heardAtMs: 0,
    numberedSent: 0,
    numberedEnd: 0,
    numberedAbove: [],
    receiptsSent: 0,
  }
  const endpoints =
    intro !== undefined && known.endpoints.counter === 0
      ? { ...known.endpoints, mailboxes: intro.mailboxes }
      : known.endpoints
  const peer: Peer = { ...known, endpoints, invite: undefined, heard: true, heardAtMs: turn.nowMs }
  turn.put(peers, peer.device, peer)
  // Whatever waited for a sign of life goes out: what was queued unconfirmed, or backed off.
  turn.effect({ kind: 'outbox', device: peer.device })
  return peer
}

/** DDH of a device, from the list that vouched for it when its session began. */
function* listedDh({ account, device }: OpenedInner): Step<Bytes32> {
  const listed = (yield* knownDevices(account)).find((one) => equalBytes(one.device, device))
  if (listed === undefined) {
    throw new ProtocolError('ERR_PROTOCOL_STATE', 'a session with a device of no list')
  }
  return listed.dh
}

/** The contact behind a message: made where an invite admits it, a request where none does. */
function* settleContact(
  turn: Turn,
  opened: OpenedInner,
  admission: Admission | undefined,
  intro: Intro | undefined,
): Step<Contact> {
  const { account, device } = opened
  const contact = yield* contactOf(account)
  if (admission?.kind === 'invited') {
    claimInvite(turn, admission.invite, account)
    const named = admission.intro.name
    const made =
      contact === undefined
        ? yield* newContact(turn, {
            account,
            state: 'ready',
            name: uniqueName(named, yield* allContacts()),
            named: true,
            theirName: named,
          })
        : { ...contact, state: 'ready' as const, theirName: named }
    if (contact !== undefined) putContact(turn, made)
    yield* welcome(turn, made, device)
    yield* introduce(turn, device)
    return made
  }
  if (contact?.state === 'pending' && intro !== undefined) {
    // Each added the other by link: neither may wait for the other's endpoints.
    const named = contact.named
      ? contact.name
      : uniqueName(intro.name, yield* allContacts(), contact)
    const met: Contact = {
      ...contact,
      state: 'ready',
      name: named,
      named: true,
      theirName: intro.name,
    }
    putContact(turn, met)
    yield* welcome(turn, met, device)
    return met
  }
  if (contact !== undefined) {
    if (intro !== undefined && intro.name !== contact.theirName) {
      const theirName = intro.name
      // A stand-in gives way to the name it tells; one that its user chose stays.
      const name = contact.named
        ? contact.name
        : uniqueName(theirName, yield* allContacts(), contact)
      const told: Contact = { ...contact, theirName, name, named: true }
      putContact(turn, told)
      return told
    }
    return contact
  }
  const named = intro?.name ?? ''
  return yield* newContact(turn, {
    account,
    state: 'request',
    name: uniqueName(named, yield* allContacts()),
    named: true,
    theirName: named,
  })
}

/** What is owed to a device that made itself known: where we are, and what waited for a first one. */
function* welcome(turn: Turn, contact: Contact, device: Bytes32): Step<void> {
  // Its own message is worth more than its link, which need not be answered any more.
  closeFirstContact(turn, contact.number)
  yield* sendEndpoints(turn, device)
  const conversation = directConversation(turn.crypto, turn.self.account, contact.account)
  yield* addressTo(turn, conversation, device)
}

interface FrameContext {
  readonly peer: Peer
  readonly contact: Contact
  readonly conversation: Bytes32
  readonly accepted: boolean
  readonly frame: Frame
}

/** Applies one frame; whether a receipt is due for it. */
function* applyFrame(turn: Turn, context: FrameContext): Step<boolean> {
  const { peer, contact, frame, accepted } = context
  if (frame.kind === entryFrame.kind) return yield* applyEntry(turn, context)
  if (!accepted) return false
  if (frameClass(frame.kind) === 'numbered') return yield* applyNumbered(turn, context)
  const receipt = readFrame(receiptFrame, frame)
  if (receipt !== undefined) {
    yield* takeReceipt(turn, peer, context.conversation, receipt)
    return false
  }
  const reset = readFrame(resetFrame, frame)
  if (reset !== undefined) {
    yield* applyReset(turn, peer.device, context.conversation, reset)
    return false
  }
  const request = readFrame(listRequestFrame, frame)
  if (request !== undefined) yield* sendList(turn, contact.account, peer.device, request)
  return false
}

function* applyEntry(turn: Turn, context: FrameContext): Step<boolean> {
  const { peer, contact, conversation, accepted, frame } = context
  const entry = readFrame(entryFrame, frame)
  if (entry === undefined) return false
  if (!accepted && contact.requestEntries >= REQUESTS_PER_ACCOUNT_MAX) return false
  const own = yield* knownDevices(turn.self.account)
  const theirs = yield* knownDevices(contact.account)
  yield* acceptEntry(turn, {
    conversation,
    entry,
    source: {
      kind: 'session',
      device: peer.device,
      account: 'contact',
      ownDevices: own.map((one) => one.device),
      contactDevices: theirs.map((one) => one.device),
    },
  })
  // A duplicate is receipted again: the receipt before may have been lost.
  return accepted
}

function* applyNumbered(turn: Turn, context: FrameContext): Step<boolean> {
  const { peer, frame, contact } = context
  const before = (yield* get(peers, peer.device)) ?? peer
  const noted = noteNumbered(before, numberOf(frame))
  if (noted === undefined) return true
  turn.put(peers, peer.device, noted)
  const endpoints = readFrame(endpointsFrame, frame)
  if (endpoints !== undefined) {
    const { counter, c } = noted.endpoints
    if (endpoints.counter > counter || (endpoints.counter === counter && endpoints.c > c)) {
      turn.put(peers, peer.device, { ...noted, endpoints })
      turn.effect({ kind: 'endpoints', device: peer.device })
    }
    if (contact.state === 'pending') {
      putContact(turn, { ...contact, state: 'ready' })
      yield* sendEndpoints(turn, peer.device)
    }
  }
  const list = readFrame(listFrame, frame)
  if (list !== undefined) {
    const opened = openDeviceList(turn.crypto, list.list)
    // A list of anybody else's account is none of this contact's business.
    if (equalBytes(opened.account, contact.account)) yield* adoptDeviceList(turn, opened)
  }
  return true
}
