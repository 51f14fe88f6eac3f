// Applies the frames of one opened message: entries into the log, evidence from receipts,
// endpoints, lists and intros into what we know of the peer (SPEC.md §8).
import { type Bytes32, equalBytes } from '../../crypto/index.ts'
import { type Admission, introOf } from '../contacts/admission.ts'
import { type Contact, contactOf, isAccepted, putContact } from '../contacts/contact.ts'
import { countRequest, requestRoom } from '../contacts/requests.ts'
import { settleContact } from '../contacts/settle-contact.ts'
import { baseFrame } from '../content/base.ts'
import { endpointsFrame } from '../content/endpoints.ts'
import { entryFrame } from '../content/entry.ts'
import type { Intro } from '../content/intro.ts'
import { readFrame } from '../content/kind.ts'
import { listFrame } from '../content/list.ts'
import { listRequestFrame } from '../content/list-request.ts'
import { receiptFrame } from '../content/receipt.ts'
import { type MessageFrames, numberOf } from '../content/registry.ts'
import { resetFrame } from '../content/reset.ts'
import { syncPageFrame } from '../content/sync-page.ts'
import { syncRequestFrame } from '../content/sync-request.ts'
import { ProtocolError } from '../errors.ts'
import { isOfOwnGroup } from '../groups/early-member.ts'
import { takeGroupFrame } from '../groups/take-frame.ts'
import { takeJoinIntro } from '../groups/judge.ts'
import { type Frame, frameClass } from '../frames.ts'
import { acceptEntry } from '../log/accept.ts'
import { acceptBase } from '../log/base.ts'
import { directConversation } from '../log/entry.ts'
import type { SessionSource } from '../log/source.ts'
import { knownDevices } from '../peers/known-devices.ts'
import { sendList, settleLists } from '../peers/list-talk.ts'
import { sendEndpoints } from '../peers/own-endpoints.ts'
import { type Peer, newPeer, peers } from '../peers/peer.ts'
import type { OpenedInner } from '../session/open-outcome.ts'
import { type Step, type Turn, get } from '../step.ts'
import type { ArrivalAnswer } from './arrival.ts'
import type { Brought } from './brought.ts'
import { isBehind } from './behind.ts'
import { applyMemberFrame, isDirectEntry, isMemberOnly } from './apply-member.ts'
import { noteReceived } from './control.ts'
import { followDevices } from './follow-devices.ts'
import { heardOn } from './heard.ts'
import { keptCount } from './kept.ts'
import { takeReceipt } from './receipts-in.ts'
import { markReceiptDue, repeatReceipt } from './receipts-out.ts'
import { takeList } from './take-list.ts'
import { applyReset } from './reset.ts'
import { serveContact } from './serve-contact.ts'
import { resumeCarriage } from './stop-carriage.ts'
import { noteLacking, takeContactPage } from './sync-contact.ts'
import { keepUnknownNumbered } from './unknown-frames.ts'

interface Opened {
  readonly opened: OpenedInner
  readonly message: MessageFrames
  /** The verdict on a new session's peer; undefined on one that was known. */
  readonly admission: Admission | undefined
  /** When a relay stored it, Unix s; undefined on a direct stream. */
  readonly storedAtS: number | undefined
  /** Transport key of the host that brought it over a stream. */
  readonly host: Bytes32 | undefined
}

const COMMITTED: ArrivalAnswer = { code: 'committed', detail: 0, malformed: false }
const IN_REQUESTS: ArrivalAnswer = { code: 'held', detail: 2, malformed: false }
const BEYOND_LIMIT: ArrivalAnswer = { code: 'held', detail: 0, malformed: false }
const REFUSED: ArrivalAnswer = { code: 'refused', detail: 0, malformed: false }

interface FrameContext {
  readonly opened: OpenedInner
  readonly peer: Peer
  readonly contact: Contact
  readonly conversation: Bytes32
  readonly frame: Frame
}

/** Applies a message whose session step is part of this turn. */
export function* applyMessage(
  turn: Turn,
  { opened, message, admission, storedAtS, host }: Opened,
): Step<ArrivalAnswer> {
  const { account, device } = opened
  const intro = introOf(message.frames)
  const before = yield* get(peers, device)
  const peer = yield* notePeer(turn, opened, intro, host)
  const memberOnly = yield* isMemberOnly(turn, opened, admission, intro)
  const settle = { account, device, admission, intro }
  const contact = memberOnly ? undefined : yield* settleContact(turn, settle)
  if (contact?.state === 'blocked') return REFUSED
  if (contact !== undefined && before?.heard !== true) {
    yield* meetDevice(turn, contact, device, before?.numberedSent ?? 0)
  }
  if (opened.first) yield* heardOn(turn, device, opened.sid)
  yield* followDevices(turn, account)
  const conversation = directConversation(turn.crypto, turn.self.account, account)
  if (contact !== undefined && !isAccepted(contact)) {
    return yield* applyRequest(turn, { opened, peer, contact, conversation }, message)
  }
  const brought = new Set<Brought>()
  if (yield* takeJoinIntro(turn, { peer, opened, storedAtS }, intro)) brought.add('news')
  for (const frame of message.frames) {
    brought.add(
      contact === undefined
        ? yield* applyMemberFrame(turn, { opened, peer }, frame)
        : yield* applyFrame(turn, { opened, peer, contact, conversation, frame }),
    )
  }
  for (const frame of message.unknownNumbered) {
    brought.add('news')
    const isNew = yield* noteReceived(turn, device, frame.c)
    if (isNew) yield* keepUnknownNumbered(turn, device, frame)
  }
  yield* settleLists(turn, account, device, opened.lists)
  if (!(yield* isBehind(account))) yield* resumeCarriage(turn, device)
  if (contact !== undefined) yield* noteLacking(turn, conversation, device)
  if (brought.has('news')) yield* markReceiptDue(turn, device, conversation)
  else if (brought.has('repeat')) yield* repeatReceipt(turn, device, conversation)
  if ((yield* keptCount(device)) > 0) turn.effect({ kind: 'retry-held', device })
  if (brought.has('refused')) return REFUSED
  if (brought.has('beyondLimit')) return BEYOND_LIMIT
  if (contact === undefined) return yield* applyDirectEntries(turn, { opened, peer }, message)
  return { ...COMMITTED, from: { account, device } }
}

/** What a co-member writes to us alone: a stranger's messages, which wait in requests. */
function* applyDirectEntries(
  turn: Turn,
  { opened, peer }: { readonly opened: OpenedInner; readonly peer: Peer },
  message: MessageFrames,
): Step<ArrivalAnswer> {
  const frames = message.frames.filter((frame) => isDirectEntry(turn, peer, frame))
  if (frames.length === 0) return COMMITTED
  const { account, device } = opened
  const before = yield* contactOf(account)
  if (before?.state === 'blocked' || !(yield* requestRoom(before, 0))) return COMMITTED
  const intro = introOf(message.frames)
  const admission = { kind: 'request', contact: before, intro, refusal: undefined } as const
  const contact = yield* settleContact(turn, { account, device, admission, intro })
  const conversation = directConversation(turn.crypto, turn.self.account, account)
  return yield* applyRequest(
    turn,
    { opened, peer, contact, conversation },
    { ...message, frames, unknownNumbered: [] },
  )
}

/**
 * Notes that a device was heard, and where its intro says it is reached. The host that brought the
 * intro is its home until endpoints say so: it is let in after a restart, when the invite is over.
 */
function* notePeer(
  turn: Turn,
  opened: OpenedInner,
  intro: Intro | undefined,
  host: Bytes32 | undefined,
): Step<Peer> {
  const { account, device } = opened
  const before = yield* get(peers, device)
  const known = before ?? newPeer({ account, device, dh: yield* listedDh(opened) })
  const home = host === undefined ? undefined : { transportKey: host, addresses: [] }
  const endpoints =
    intro !== undefined && known.endpoints.counter === 0
      ? { ...known.endpoints, mailboxes: intro.mailboxes, home: home ?? known.endpoints.home }
      : known.endpoints
  const peer: Peer = { ...known, endpoints, invite: undefined, heard: true, heardAtMs: turn.nowMs }
  turn.put(peers, device, peer)
  // Whatever waited for a sign of life goes out: what was queued unconfirmed, or backed off.
  turn.effect({ kind: 'outbox', device })
  return peer
}

/** Another device of a contact speaks for the first time: it is told where we are, if it was not. */
function* meetDevice(turn: Turn, contact: Contact, device: Bytes32, sent: number): Step<void> {
  const told = ((yield* get(peers, device))?.numberedSent ?? 0) > sent
  if (contact.state === 'ready' && !told) yield* sendEndpoints(turn, device)
}

/** DDH of a device, from the list that vouched for it when its session began. */
function* listedDh({ account, device }: OpenedInner): Step<Bytes32> {
  const listed = (yield* knownDevices(account)).find((one) => equalBytes(one.device, device))
  if (listed === undefined) {
    throw new ProtocolError('ERR_PROTOCOL_STATE', 'a session with a device of no list')
  }
  return listed.dh
}

type MessageContext = Omit<FrameContext, 'frame'>

/** A stranger's message: its entries wait, as many as there is room for; nothing is answered. */
function* applyRequest(
  turn: Turn,
  context: MessageContext,
  message: MessageFrames,
): Step<ArrivalAnswer> {
  let { contact } = context
  for (const frame of message.frames) {
    if (yield* isOfOwnGroup(turn, frame)) {
      yield* takeGroupFrame(turn, context, frame)
      continue
    }
    if (frameClass(frame.kind) === 'numbered') {
      yield* applyNumbered(turn, { ...context, contact, frame })
    }
    if (frame.kind !== entryFrame.kind) continue
    const sizeBytes = frame.body.length
    if (!(yield* requestRoom(contact, sizeBytes))) continue
    if ((yield* applyEntry(turn, { ...context, contact, frame })) !== 'news') continue
    contact = yield* countRequest(turn, contact, sizeBytes)
    putContact(turn, contact)
  }
  return IN_REQUESTS
}

function* applyFrame(turn: Turn, context: FrameContext): Step<Brought> {
  const { opened, peer, contact, conversation, frame } = context
  const ofGroup = yield* takeGroupFrame(turn, { peer, opened }, frame)
  if (ofGroup !== undefined) return ofGroup
  if (frame.kind === entryFrame.kind) return yield* applyEntry(turn, context)
  if (frameClass(frame.kind) === 'numbered') return yield* applyNumbered(turn, context)
  const receipt = readFrame(receiptFrame, frame)
  if (receipt !== undefined) yield* takeReceipt(turn, peer, conversation, receipt)
  const reset = readFrame(resetFrame, frame)
  if (reset !== undefined) {
    yield* applyReset(turn, peer.device, opened.sid, reset)
    // Even where nothing is owed an answer on the new session tells the peer that it stands.
    return 'news'
  }
  const request = readFrame(listRequestFrame, frame)
  if (request !== undefined) yield* sendList(turn, contact.account, peer.device, request)
  const question = readFrame(syncRequestFrame, frame)
  if (question !== undefined) yield* serveContact(turn, contact, peer.device, question)
  const page = readFrame(syncPageFrame, frame)
  if (page === undefined) return 'nothing'
  return yield* takeContactPage(turn, contact, yield* sourceOf(turn, context), page)
}

/** The devices whose entries this session may bring (SPEC.md §10.3). */
function* sourceOf(turn: Turn, { peer, contact }: MessageContext): Step<SessionSource> {
  const own = yield* knownDevices(turn.self.account)
  const theirs = yield* knownDevices(contact.account)
  return {
    kind: 'session',
    device: peer.device,
    account: 'contact',
    ownDevices: own.map((one) => one.device),
    contactDevices: theirs.map((one) => one.device),
  }
}

function* applyEntry(turn: Turn, context: FrameContext): Step<Brought> {
  const { conversation, frame } = context
  const entry = readFrame(entryFrame, frame)
  if (entry === undefined) return 'nothing'
  const source = yield* sourceOf(turn, context)
  const { kind } = yield* acceptEntry(turn, { conversation, entry, source })
  switch (kind) {
    case 'duplicate':
      return 'repeat'
    case 'beyondLimit':
    case 'refused':
      return kind
    case 'closed':
    case 'open':
    case 'fork':
      return 'news'
  }
}

function* applyNumbered(turn: Turn, context: FrameContext): Step<Brought> {
  const { peer, frame, contact, conversation } = context
  if (!(yield* noteReceived(turn, peer.device, numberOf(frame)))) return 'repeat'
  const noted = (yield* get(peers, peer.device)) ?? peer
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
  if (list !== undefined) yield* takeList(turn, contact.account, list.list)
  const base = readFrame(baseFrame, frame)
  const own = base?.conversation === undefined || equalBytes(base.conversation, conversation)
  if (base !== undefined && own) {
    yield* acceptBase(turn, conversation, base, yield* sourceOf(turn, context))
  }
  return 'news'
}
