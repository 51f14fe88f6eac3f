// Everything that arrives passes here: open, judge, apply, remember, in one batch; then the answer.
// `committed` means durably in the log; what cannot be shown yet is held or quarantined, which is
// durable too but never called delivered (SPEC.md §9, §10).
import { innerId } from '../../crypto/index.ts'
import { type Admission, admit } from '../contacts/admission.ts'
import { decodeMessageFrames } from '../content/registry.ts'
import { ownPrekeys } from '../session/own-prekeys.ts'
import { openInner } from '../session/open-inner.ts'
import type { Step, Turn } from '../step.ts'
import type { Arrival, ArrivalAnswer } from './arrival.ts'
import { applyMessage } from './apply.ts'
import { quarantine } from './quarantine.ts'
import { markSeen, wasSeen } from './seen.ts'

const COMMITTED: ArrivalAnswer = { code: 'committed', detail: 0, malformed: false }
const REFUSED: ArrivalAnswer = { code: 'refused', detail: 0, malformed: false }
const MALFORMED: ArrivalAnswer = { code: 'refused', detail: 0, malformed: true }
const BUSY: ArrivalAnswer = { code: 'busy', detail: 60_000, malformed: false }

/** Takes one inner message. Nothing of the batch counts unless it is durable; then answer. */
export function* receiveInner(turn: Turn, arrival: Arrival): Step<ArrivalAnswer> {
  const id = innerId(turn.crypto, arrival.inner)
  if (yield* wasSeen(id)) return COMMITTED
  let admission: Admission | undefined
  const opened = yield* openInner(turn, {
    sidHint: arrival.sid,
    inner: arrival.inner,
    prekeys: ownPrekeys(turn),
    *judge(candidate): Step<boolean> {
      const { frames } = decodeMessageFrames(candidate.frames, 'ratchet')
      const storedAtS = arrival.path.kind === 'relay' ? arrival.path.storedAtS : undefined
      admission = yield* admit(turn, { ...candidate, frames, storedAtS })
      return admission.kind !== 'blocked' && admission.kind !== 'busy'
    },
  })
  switch (opened.kind) {
    case 'opened': {
      const answer = yield* applyMessage(turn, { opened, admission, arrival })
      markSeen(turn, id)
      return answer
    }
    case 'duplicate':
      // Its inner id is not known, so it was never taken here: the sender, or we, were set back.
      return yield* quarantine(turn, arrival, id, opened)
    case 'refused':
      return admission?.kind === 'busy' ? BUSY : REFUSED
    case 'forbidden':
      return REFUSED
    case 'malformed':
      // With a remote the ratchet moved: the step stands, nothing of the content applies.
      if (opened.remote !== undefined) markSeen(turn, id)
      return MALFORMED
    case 'unknownSession':
    case 'unreadable':
    case 'held':
    case 'unsupported':
      return yield* quarantine(turn, arrival, id, opened)
  }
}
