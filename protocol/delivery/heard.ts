// Something arrived on a session for the first time: what was repeated until then need not be any
// more (SPEC.md §3.5, §5.6).
import { type Bytes16, type Bytes32, equalBytes } from '../../crypto/index.ts'
import type { Step, Turn } from '../step.ts'
import { dequeue, eachItem, outboxHead, putItem, putPrepared, dropCopies } from './outbox.ts'
import { resetAnswered } from './reset.ts'
import { replied } from './unanswered.ts'

/**
 * Takes intros and resets that went out on this session out of the outbox; those of another session,
 * whose turn to send is over, are looked at again: most have nothing left to say.
 */
export function* heardOn(turn: Turn, device: Bytes32, sid: Bytes16): Step<void> {
  yield* replied(turn, device)
  yield* resetAnswered(turn, device, sid)
  let first = Number.POSITIVE_INFINITY
  yield* eachItem(device, function* (item) {
    const { content, message, sequence } = item
    if (content.kind !== 'notice' || !content.untilHeard || message === undefined) return
    if (equalBytes(message.sid, sid)) return yield* dequeue(turn, item)
    dropCopies(turn, item)
    putItem(turn, { ...item, message: undefined, deposits: [], heldThere: false })
    first = Math.min(first, sequence)
  })
  const head = yield* outboxHead(device)
  if (first <= head.prepared) putPrepared(turn, device, head, first - 1)
}
