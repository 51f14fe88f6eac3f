// Everything that arrives passes here: open, judge, apply, remember, in one batch; then the answer.
// `committed` means durably in the log; what cannot be shown yet is held or quarantined, which is
// durable too but never called delivered (SPEC.md §9, §10).
import { type Bytes32, CryptoError, innerId } from '../../crypto/index.ts'
import { type Admission, admit } from '../contacts/admission.ts'
import { contactOf, isAccepted } from '../contacts/contact.ts'
import { requestRoom } from '../contacts/requests.ts'
import { decodeMessageFrames, type MessageFrames } from '../content/registry.ts'
import { isCoMember } from '../groups/co-members.ts'
import { directConversation } from '../log/entry.ts'
import { peers } from '../peers/peer.ts'
import { openInner } from '../session/open-inner.ts'
import { ownPrekeys } from '../session/own-prekeys.ts'
import { sessions } from '../session/session-record.ts'
import { type Step, type Turn, get } from '../step.ts'
import { applyMessage } from './apply.ts'
import {
  type Arrival,
  type ArrivalAnswer,
  BEYOND_LIMIT,
  COMMITTED,
  IN_REQUESTS,
  REFUSED,
} from './arrival.ts'
import { dropKept } from './kept.ts'
import { type Unopened, quarantine } from './quarantine.ts'
import { repeatReceipt } from './receipts-out.ts'
import { type SeenAs, markSeen, seenBefore } from './seen.ts'

const MALFORMED: ArrivalAnswer = { code: 'refused', detail: 0, malformed: true }
/** Asked again in a minute: requests are full. */
const BUSY: ArrivalAnswer = { code: 'busy', detail: 60_000, malformed: false }

/** Takes one inner message. Nothing of the batch counts unless it is durable; then answer. */
export function* receiveInner(turn: Turn, arrival: Arrival): Step<ArrivalAnswer> {
  const outcome = yield* openArrival(turn, arrival)
  if ('code' in outcome) return outcome
  return yield* quarantine(turn, arrival, innerId(turn.crypto, arrival.inner), outcome)
}

/** The same, but what does not open is left to the caller: nothing was written for it. */
export function* openArrival(turn: Turn, arrival: Arrival): Step<ArrivalAnswer | Unopened> {
  const id = innerId(turn.crypto, arrival.inner)
  const seen = yield* seenBefore(id)
  if (seen !== undefined) return yield* answerAgain(turn, seen)
  const early = yield* turnAway(turn, arrival)
  if (early !== undefined) return early
  let admission: Admission | undefined
  let malformed = false
  const storedAtS = arrival.path.kind === 'relay' ? arrival.path.storedAtS : undefined
  const opened = yield* openInner(turn, {
    sidHint: arrival.sid,
    inner: arrival.inner,
    prekeys: ownPrekeys(turn),
    *judge(candidate): Step<boolean> {
      const message = readFrames(candidate.frames)
      malformed = message === undefined
      if (message === undefined) return false
      const { frames } = message
      admission = yield* admit(turn, { ...candidate, frames, storedAtS })
      return admission.kind !== 'blocked' && admission.kind !== 'busy'
    },
  })
  switch (opened.kind) {
    case 'opened': {
      yield* dropKept(turn, id)
      const message = readFrames(opened.frames)
      // The ratchet step stands, nothing of the content applies.
      if (message === undefined) return refuse(turn, id)
      const host = arrival.path.kind === 'direct' ? arrival.path.transportKey : undefined
      const answer = yield* applyMessage(turn, { opened, message, admission, storedAtS, host })
      markSeen(turn, id, seenAs(answer), opened.device)
      return answer
    }
    case 'refused':
      if (malformed) return MALFORMED
      return admission?.kind === 'busy' ? turnedAway(arrival) : REFUSED
    case 'forbidden':
      return REFUSED
    case 'malformed':
      return opened.remote === undefined ? MALFORMED : refuse(turn, id)
    case 'duplicate':
    // Its inner id is not known, so it was never taken here: the sender, or we, were set back.
    case 'unknownSession':
    case 'unreadable':
    case 'held':
    case 'unsupported':
      return opened
  }
}

function refuse(turn: Turn, id: Bytes32): ArrivalAnswer {
  markSeen(turn, id, 'refused')
  return MALFORMED
}

function seenAs(answer: ArrivalAnswer): SeenAs {
  if (answer.code === 'committed') return 'committed'
  if (answer.code !== 'held') return 'refused'
  return answer.detail === IN_REQUESTS.detail ? 'requests' : 'beyondLimit'
}

/** The frames of a message; undefined where one of them is malformed. */
function readFrames(frames: Uint8Array): MessageFrames | undefined {
  try {
    return decodeMessageFrames(frames, 'ratchet')
  } catch (error) {
    if (error instanceof CryptoError && error.code === 'ERR_WIRE_MALFORMED') return undefined
    throw error
  }
}

/** Room among the requests ran out: a stream is told to wait, a relay's copy goes. */
function turnedAway(arrival: Arrival): ArrivalAnswer {
  return arrival.path.kind === 'direct' ? BUSY : REFUSED
}

/**
 * What the sender of a known session is told where it may not be heard now, before its ratchet
 * moves: so that the same bytes can be read later, when it was unblocked or there is room.
 */
function* turnAway(turn: Turn, arrival: Arrival): Step<ArrivalAnswer | undefined> {
  const record = yield* get(sessions, arrival.sid)
  if (record === undefined) return undefined
  const contact = yield* contactOf(record.account)
  if (yield* isCoMember(turn, record.account)) return undefined
  if (contact?.state === 'blocked') return REFUSED
  if (contact === undefined || isAccepted(contact)) return undefined
  return (yield* requestRoom(contact, arrival.inner.length)) ? undefined : turnedAway(arrival)
}

/** A copy of what was taken before: answered alike; the receipt before may have been lost. */
function* answerAgain(
  turn: Turn,
  { as, device }: { readonly as: SeenAs; readonly device: Bytes32 | undefined },
): Step<ArrivalAnswer> {
  if (as === 'refused' || device === undefined) return REFUSED
  const peer = yield* get(peers, device)
  const contact = peer === undefined ? undefined : yield* contactOf(peer.account)
  if (peer === undefined) return REFUSED
  const heard = isAccepted(contact) || (yield* isCoMember(turn, peer.account))
  if (contact?.state === 'blocked' && !heard) return REFUSED
  if (!heard) return as === 'requests' ? IN_REQUESTS : as === 'beyondLimit' ? BEYOND_LIMIT : REFUSED
  const conversation = directConversation(turn.crypto, turn.self.account, peer.account)
  yield* repeatReceipt(turn, device, conversation)
  // It was not kept, and is asked for: what the log has of it by now the receipt says.
  if (as === 'beyondLimit') return BEYOND_LIMIT
  // What waited in requests was in the log all along: its sender is accepted now.
  return { ...COMMITTED, from: { account: peer.account, device } }
}
