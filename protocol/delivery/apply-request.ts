// What a stranger writes waits in requests until it is let in (SPEC.md §9).
import { directConversation } from '../log/entry.ts'
import { introOf } from '../contacts/admission.ts'
import { contactOf, putContact } from '../contacts/contact.ts'
import { countRequest, requestRoom } from '../contacts/requests.ts'
import { settleContact } from '../contacts/settle-contact.ts'
import { entryFrame } from '../content/entry.ts'
import type { MessageFrames } from '../content/registry.ts'
import { frameClass } from '../frames.ts'
import { isOfOwnGroup } from '../groups/early-member.ts'
import { takeGroupFrame } from '../groups/take-frame.ts'
import type { Peer } from '../peers/peer.ts'
import type { OpenedInner } from '../session/open-outcome.ts'
import type { Step, Turn } from '../step.ts'
import { type MessageContext, applyEntry, applyNumbered } from './apply-frame.ts'
import { isDirectEntry } from './apply-member.ts'
import { type ArrivalAnswer, BEYOND_LIMIT, COMMITTED, IN_REQUESTS } from './arrival.ts'

/** A stranger's message: its entries wait, as many as there is room for; nothing is answered. */
export function* applyRequest(
  turn: Turn,
  context: MessageContext,
  message: MessageFrames,
): Step<ArrivalAnswer> {
  let { contact } = context
  let isWhole = true
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
    const fits = yield* requestRoom(contact, sizeBytes)
    const brought = fits ? yield* applyEntry(turn, { ...context, contact, frame }) : 'beyondLimit'
    if (brought === 'beyondLimit' || brought === 'refused') isWhole = false
    if (brought !== 'news') continue
    contact = yield* countRequest(turn, contact, sizeBytes)
    putContact(turn, contact)
  }
  // A copy of what was not kept is not called committed either, once its sender is accepted.
  return isWhole ? IN_REQUESTS : BEYOND_LIMIT
}

/** What a co-member writes to us alone: a stranger's messages, which wait in requests. */
export function* applyDirectEntries(
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
