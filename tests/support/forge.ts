// Frames that no honest program would send, over a session that is genuine.
import { enqueue } from '../../protocol/delivery/outbox.ts'
import { type ArrivalAnswer, type Frame, encodeFrames } from '../../protocol/index.ts'
import type { Person } from './person.ts'

/** Has one person send these frames to another in one message; what is answered. */
export function forge(from: Person, to: Person, ...frames: readonly Frame[]): ArrivalAnswer {
  from.driver.run((turn) =>
    enqueue(turn, to.device, { kind: 'notice', frames: encodeFrames(frames), untilHeard: false }),
  )
  const last = from.direct(to).at(-1)
  if (last === undefined) throw new Error('nothing was encrypted')
  const answer = to.receive(last.arrival)
  from.answered(to, last.item, answer)
  return answer
}
