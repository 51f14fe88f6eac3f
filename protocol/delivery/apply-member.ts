// A message of a co-member who is no contact, or of somebody who asks to join (SPEC.md §21): its group
// frames apply, its receipts and lists too; what it writes to us alone waits in requests.
import { type Admission, groupInviteNamed, introOf } from '../contacts/admission.ts'
import { contactOf, isAccepted } from '../contacts/contact.ts'
import { entryFrame } from '../content/entry.ts'
import { readFrame } from '../content/kind.ts'
import { listRequestFrame } from '../content/list-request.ts'
import { listFrame } from '../content/list.ts'
import { receiptFrame } from '../content/receipt.ts'
import { numberOf } from '../content/registry.ts'
import { resetFrame } from '../content/reset.ts'
import { type Frame, frameClass } from '../frames.ts'
import { isCoMember } from '../groups/co-members.ts'
import { takeGroupFrame } from '../groups/take-frame.ts'
import { isWelcome } from '../groups/welcomed.ts'
import { directConversation } from '../log/entry.ts'
import { sendList } from '../peers/list-talk.ts'
import type { Peer } from '../peers/peer.ts'
import type { OpenedInner } from '../session/open-outcome.ts'
import type { Step, Turn } from '../step.ts'
import type { Brought } from './brought.ts'
import { noteReceived } from './control.ts'
import { takeReceipt } from './receipts-in.ts'
import { applyReset } from './reset.ts'
import { takeList } from './take-list.ts'

/** Whether a message is heard for its group frames only. */
export function* isMemberOnly(
  turn: Turn,
  opened: OpenedInner,
  admission: Admission | undefined,
  frames: readonly Frame[],
): Step<boolean> {
  if (admission !== undefined) return admission.kind === 'member'
  if (isAccepted(yield* contactOf(opened.account))) return false
  if (yield* isCoMember(turn, opened.account)) return true
  if (yield* isWelcome(turn, frames)) return true
  const intro = introOf(frames)
  return (yield* groupInviteNamed(turn, intro, opened.transcript)) !== undefined
}

/** Whether a frame is an entry of the conversation of the two accounts. */
export function isDirectEntry(turn: Turn, peer: Peer, frame: Frame): boolean {
  const entry = readFrame(entryFrame, frame)
  if (entry === undefined) return false
  const { conversation } = entry.header
  if (conversation === undefined) return true
  const direct = directConversation(turn.crypto, turn.self.account, peer.account)
  return conversation.every((byte, i) => byte === direct[i])
}

/** Applies one frame of a co-member; direct entries are left to the caller. */
export function* applyMemberFrame(
  turn: Turn,
  { opened, peer }: { readonly opened: OpenedInner; readonly peer: Peer },
  frame: Frame,
): Step<Brought> {
  if (isDirectEntry(turn, peer, frame)) return 'nothing'
  const ofGroup = yield* takeGroupFrame(turn, { peer, opened }, frame)
  if (ofGroup !== undefined) return ofGroup
  const direct = directConversation(turn.crypto, turn.self.account, peer.account)
  const receipt = readFrame(receiptFrame, frame)
  if (receipt !== undefined) yield* takeReceipt(turn, peer, direct, receipt)
  const request = readFrame(listRequestFrame, frame)
  if (request !== undefined) yield* sendList(turn, peer.account, peer.device, request)
  const reset = readFrame(resetFrame, frame)
  if (reset !== undefined) {
    yield* applyReset(turn, peer.device, opened.sid, reset)
    return 'news'
  }
  if (frameClass(frame.kind) !== 'numbered') return 'nothing'
  // Endpoints and bases are for contacts; their numbers count as received all the same.
  if (!(yield* noteReceived(turn, peer.device, numberOf(frame)))) return 'repeat'
  const list = readFrame(listFrame, frame)
  if (list !== undefined) yield* takeList(turn, peer.account, list.list)
  return 'news'
}
