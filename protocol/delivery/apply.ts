// Applies one opened message: notes who was heard, settles what it is to us, and takes its frames
// (SPEC.md §8).
import type { Bytes32 } from '../../crypto/index.ts'
import { type Admission, admitMember, introOf } from '../contacts/admission.ts'
import { type Contact, isAccepted } from '../contacts/contact.ts'
import { settleContact } from '../contacts/settle-contact.ts'
import type { Intro } from '../content/intro.ts'
import type { MessageFrames } from '../content/registry.ts'
import { takeJoinIntro } from '../groups/judge.ts'
import { helpAgain } from '../groups/silent-devices.ts'
import { directConversation } from '../log/entry.ts'
import { settleLists } from '../peers/list-talk.ts'
import { type Peer, peers } from '../peers/peer.ts'
import type { OpenedInner } from '../session/open-outcome.ts'
import { type Step, type Turn, get } from '../step.ts'
import { applyFrame } from './apply-frame.ts'
import { applyMemberFrame, isMemberOnly } from './apply-member.ts'
import { applyDirectEntries, applyRequest } from './apply-request.ts'
import { type ArrivalAnswer, BEYOND_LIMIT, COMMITTED, REFUSED } from './arrival.ts'
import { isBehind } from './behind.ts'
import type { Brought } from './brought.ts'
import { noteReceived } from './control.ts'
import { followDevices } from './follow-devices.ts'
import { heardOn } from './heard.ts'
import { keptCount } from './kept.ts'
import { meetDevice, notePeer } from './note-peer.ts'
import { markReceiptDue, repeatReceipt } from './receipts-out.ts'
import { resumeCarriage } from './stop-carriage.ts'
import { noteLacking } from './sync-contact.ts'
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

/** From whom a message is; no contact: of a member of a group of ours and nothing else. */
interface Sender {
  readonly opened: OpenedInner
  readonly peer: Peer
  readonly contact: Contact | undefined
  readonly conversation: Bytes32
}

/** Applies a message whose session step is part of this turn. */
export function* applyMessage(turn: Turn, input: Opened): Step<ArrivalAnswer> {
  const { opened, message, storedAtS, host } = input
  const { account, device } = opened
  const intro = introOf(message.frames)
  const before = yield* get(peers, device)
  const peer = yield* notePeer(turn, opened, intro, host)
  const contact = yield* settleSender(turn, input, intro)
  if (contact?.state === 'blocked') return REFUSED
  if (contact !== undefined && before?.heard !== true) {
    yield* meetDevice(turn, contact, device, before?.numberedSent ?? 0)
  }
  if (before !== undefined && !before.heard) yield* helpAgain(turn, device)
  if (opened.first) yield* heardOn(turn, device, opened.sid)
  yield* followDevices(turn, account)
  const conversation = directConversation(turn.crypto, turn.self.account, account)
  if (contact !== undefined && !isAccepted(contact)) {
    return yield* applyRequest(turn, { opened, peer, contact, conversation }, message)
  }
  const isJoin = yield* takeJoinIntro(turn, { peer, opened, storedAtS }, intro)
  const sender = { opened, peer, contact, conversation }
  const brought = yield* applyFrames(turn, sender, message)
  if (isJoin) brought.add('news')
  yield* settleHeard(turn, sender, brought)
  if (brought.has('refused')) return REFUSED
  if (brought.has('beyondLimit')) return BEYOND_LIMIT
  if (contact === undefined) return yield* applyDirectEntries(turn, { opened, peer }, message)
  return { ...COMMITTED, from: { account, device } }
}

/** The contact that the sender is by its session, by its intro, or by an invite it answers. */
function* settleSender(
  turn: Turn,
  { opened, message, admission, storedAtS }: Opened,
  intro: Intro | undefined,
): Step<Contact | undefined> {
  const { account, device } = opened
  const { frames } = message
  const isKnown = yield* isMemberOnly(turn, opened, admission, frames)
  const invited =
    isKnown && admission === undefined
      ? yield* admitMember(turn, { ...opened, frames, storedAtS })
      : undefined
  if (isKnown && invited === undefined) return undefined
  return yield* settleContact(turn, { account, device, admission: invited ?? admission, intro })
}

function* applyFrames(
  turn: Turn,
  { contact, ...sender }: Sender,
  message: MessageFrames,
): Step<Set<Brought>> {
  const brought = new Set<Brought>()
  for (const frame of message.frames) {
    brought.add(
      contact === undefined
        ? yield* applyMemberFrame(turn, sender, frame)
        : yield* applyFrame(turn, { ...sender, contact, frame }),
    )
  }
  const { device } = sender.peer
  for (const frame of message.unknownNumbered) {
    brought.add('news')
    const isNew = yield* noteReceived(turn, device, frame.c)
    if (isNew) yield* keepUnknownNumbered(turn, device, frame)
  }
  return brought
}

/** What follows from having heard a device: its lists, what it lacks, the receipt it is owed. */
function* settleHeard(
  turn: Turn,
  { opened, contact, conversation }: Sender,
  brought: ReadonlySet<Brought>,
): Step<void> {
  const { account, device, lists } = opened
  yield* settleLists(turn, account, device, lists)
  if (!(yield* isBehind(account))) yield* resumeCarriage(turn, device)
  if (contact !== undefined) yield* noteLacking(turn, conversation, device)
  if (brought.has('news')) yield* markReceiptDue(turn, device, conversation)
  else if (brought.has('repeat')) yield* repeatReceipt(turn, device, conversation)
  if ((yield* keptCount(device)) > 0) turn.effect({ kind: 'retry-held', device })
}
