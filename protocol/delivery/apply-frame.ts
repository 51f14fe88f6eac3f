// Applies one frame of a peer that may write to us: an entry into the log, evidence from a receipt,
// endpoints and lists into what we know of the peer, an answer to what it asks (SPEC.md §8).
import { type Bytes32, equalBytes } from '../../crypto/index.ts'
import { type Contact, putContact } from '../contacts/contact.ts'
import { baseFrame } from '../content/base.ts'
import { endpointsFrame } from '../content/endpoints.ts'
import { entryFrame } from '../content/entry.ts'
import { readFrame } from '../content/kind.ts'
import { listFrame } from '../content/list.ts'
import { listRequestFrame } from '../content/list-request.ts'
import { receiptFrame } from '../content/receipt.ts'
import { numberOf } from '../content/registry.ts'
import { resetFrame } from '../content/reset.ts'
import { syncPageFrame } from '../content/sync-page.ts'
import { syncRequestFrame } from '../content/sync-request.ts'
import { type Frame, frameClass } from '../frames.ts'
import { takeGroupFrame } from '../groups/take-frame.ts'
import { acceptEntry } from '../log/accept.ts'
import { acceptBase } from '../log/base.ts'
import { noteHead } from '../log/frontier.ts'
import type { SessionSource } from '../log/source.ts'
import { knownDevices } from '../peers/known-devices.ts'
import { sendList } from '../peers/list-talk.ts'
import { sendEndpoints } from '../peers/own-endpoints.ts'
import { type Peer, peers } from '../peers/peer.ts'
import type { OpenedInner } from '../session/open-outcome.ts'
import { type Step, type Turn, get } from '../step.ts'
import type { Brought } from './brought.ts'
import { noteReceived } from './control.ts'
import { takeReceipt } from './receipts-in.ts'
import { applyReset } from './reset.ts'
import { serveContact } from './serve-contact.ts'
import { takeContactPage } from './sync-contact.ts'
import { takeList } from './take-list.ts'

/** Whose message it is, and where its entries belong. */
export interface MessageContext {
  readonly opened: OpenedInner
  readonly peer: Peer
  readonly contact: Contact
  readonly conversation: Bytes32
}

interface FrameContext extends MessageContext {
  readonly frame: Frame
}

export function* applyFrame(turn: Turn, context: FrameContext): Step<Brought> {
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

export function* applyEntry(turn: Turn, context: FrameContext): Step<Brought> {
  const { conversation, frame, peer } = context
  const entry = readFrame(entryFrame, frame)
  if (entry === undefined) return 'nothing'
  const source = yield* sourceOf(turn, context)
  const { kind } = yield* acceptEntry(turn, { conversation, entry, source })
  switch (kind) {
    case 'duplicate':
      return 'repeat'
    case 'beyondLimit': {
      // By its author's own word there is one, which is asked for until it is here.
      const { author = peer.device, n } = entry.header
      if (equalBytes(author, peer.device)) yield* noteHead(turn, conversation, author, n)
      return kind
    }
    case 'refused':
      return kind
    case 'closed':
    case 'open':
    case 'fork':
      return 'news'
  }
}

export function* applyNumbered(turn: Turn, context: FrameContext): Step<Brought> {
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
