// From what waits to ciphertext: encrypts a device's outbox in order, as far as a session allows.
// A machine of the same turn that queued the item, where it can be; so a send costs one batch.
import { equalBytes, type Bytes32 } from '../../crypto/index.ts'
import { contactOf } from '../contacts/contact.ts'
import { introFor } from '../contacts/intro-frame.ts'
import { entryFrame } from '../content/entry.ts'
import { ProtocolError } from '../errors.ts'
import { type Frame, decodeFrames, encodeFrames } from '../frames.ts'
import { isCoMember } from '../groups/co-members.ts'
import { isAsking, joinFrames } from '../groups/ask.ts'
import { directConversation } from '../log/entry.ts'
import { entryWireForm } from '../log/read.ts'
import { type Peer, peers } from '../peers/peer.ts'
import { type EncryptLimit, encryptTo, sendingSession } from '../session/encrypt.ts'
import { sessionIndex } from '../session/session-index.ts'
import { type Step, type Turn, get } from '../step.ts'
import type { SessionRecord } from '../session/session-record.ts'
import { isBehind } from './behind.ts'
import { controlFrame } from './control.ts'
import { joinBase } from './join-base.ts'
import {
  type OutboxItem,
  dequeue,
  outboxHead,
  outboxItems,
  putItem,
  putPrepared,
} from './outbox.ts'
import { resetFor } from './reset.ts'
import { stopItem } from './stop-carriage.ts'

/** Items encrypted in one turn: bounds the turn's time. */
const PREPARE_PAGE = 64

/** What stands in the way of the rest of the outbox. */
export type Blocked = 'bundle' | 'silent' | EncryptLimit | undefined

/**
 * Encrypts up to 64 waiting items of a device. `bundle`: there is no session, and a bundle of the
 * device is needed first; the effect asks for it. silent: the account is blocked. A limit: the device must answer first, or the
 * account's lists contradict.
 */
export function* prepareOutbox(turn: Turn, device: Bytes32): Step<Blocked> {
  const head = yield* outboxHead(device)
  if (head.prepared >= head.next - 1) return undefined
  const peer = yield* get(peers, device)
  if (peer === undefined) {
    turn.effect({ kind: 'bundle', device })
    return 'bundle'
  }
  const blockedHere = (yield* contactOf(peer.account))?.state === 'blocked'
  // What a group owes its members goes to somebody who is blocked as well.
  if (blockedHere && !(yield* isCoMember(turn, peer.account))) return 'silent'
  let prepared = head.prepared
  let blocked: Blocked
  for (const item of yield* outboxItems(device, prepared + 1, PREPARE_PAGE)) {
    blocked = item.message === undefined ? yield* prepareItem(turn, peer, item) : undefined
    if (blocked !== undefined) break
    prepared = item.sequence
  }
  // The head may have moved: an item that no longer has content was taken out.
  const now = yield* outboxHead(device)
  const done = prepared === head.prepared && blocked === undefined ? now.next - 1 : prepared
  putPrepared(turn, device, now, done)
  if (blocked === 'bundle') turn.effect({ kind: 'bundle', device })
  return blocked
}

function* prepareItem(turn: Turn, peer: Peer, item: OutboxItem): Step<Blocked> {
  if ((yield* isDirectEntry(turn, peer, item)) && (yield* isBehind(peer.account))) {
    // Its number may be another message's: a profile that was set back must not write there.
    yield* stopItem(turn, item, 'profile-behind')
    return undefined
  }
  const session = yield* sendingSession(turn, yield* get(sessionIndex, peer.device))
  const content = yield* contentFrames(turn, item, peer, session)
  if (content === undefined) {
    yield* dequeue(turn, item)
    return undefined
  }
  if (session === undefined) return 'bundle'
  const before = yield* repeated(turn, peer, session, item)
  if (before.length + content.length === 0) {
    // An intro or a reset that was heard: there is nothing left to say.
    yield* dequeue(turn, item)
    return undefined
  }
  const outcome = yield* encryptTo(turn, peer.device, encodeFrames([...before, ...content]), {
    entries: item.content.kind === 'entry' ? 1 : 0,
  })
  if (outcome.kind === 'needBundle') return 'bundle'
  if (outcome.kind === 'limit') return outcome.reason
  const { sid, inner, innerId } = outcome
  putItem(turn, {
    ...item,
    message: {
      sid,
      inner,
      innerId,
      encryptedAtMs: turn.safeNowMs,
    },
    deposits: [],
    heldThere: false,
  })
  return undefined
}

function* isDirectEntry(turn: Turn, peer: Peer, { content }: OutboxItem): Step<boolean> {
  if (content.kind !== 'entry') return false
  const direct = directConversation(turn.crypto, turn.self.account, peer.account)
  return equalBytes(content.conversation, direct)
}

/** Whether a link of its account is being answered: also a device that was heard is told until then. */
function* answersLink({ account, heard, invite }: Peer): Step<boolean> {
  return heard && invite !== undefined && (yield* contactOf(account))?.state === 'pending'
}

/** What every message repeats until something came back: intro, reset, and the base of who joins. */
function* repeated(
  turn: Turn,
  peer: Peer,
  session: SessionRecord,
  { content }: OutboxItem,
): Step<readonly Frame[]> {
  const { sid, confirmed } = session.ratchet
  const asks = (yield* answersLink(peer)) || (!confirmed && !peer.heard)
  const intro = asks ? [yield* introFor(turn, peer, session.transcript)] : []
  if (confirmed) return intro
  const reset = yield* resetFor(turn, peer, sid)
  const carried = content.kind === 'control' ? content.c : undefined
  return [...intro, ...reset, ...(yield* joinBase(peer.device, carried))]
}

/** The frames of an item; undefined where there is nothing left to send. */
function* contentFrames(
  turn: Turn,
  item: OutboxItem,
  peer: Peer,
  session: SessionRecord | undefined,
): Step<readonly Frame[] | undefined> {
  const { content, device } = item
  switch (content.kind) {
    case 'entry': {
      const direct = yield* isDirectEntry(turn, peer, item)
      const wire = yield* entryWireForm(turn, content.entry, { elide: direct ? 'session' : 'none' })
      if (wire === undefined) {
        throw new ProtocolError('ERR_PROTOCOL_STATE', 'an entry in the outbox is not in the log')
      }
      return [{ kind: entryFrame.kind, body: entryFrame.encode(wire) }]
    }
    case 'control': {
      const frame = yield* controlFrame(device, content.c)
      return frame === undefined ? undefined : [frame]
    }
    case 'notice':
      return decodeFrames(content.frames, 'ratchet')
    case 'join': {
      const asked = yield* isAsking(content.group)
      if (!asked) return undefined
      // Until the device was heard every message says who we are and by which link we come.
      if (session === undefined || !peer.heard) return []
      return yield* joinFrames(turn, content.group, peer, session.transcript)
    }
  }
}
