// Frames that nothing numbers: a lost one is asked for again, or a later one says the same and more.
import type { Bytes32 } from '../../crypto/index.ts'
import { encodeFrames, type Frame } from '../frames.ts'
import type { Step, Turn } from '../step.ts'
import { enqueue, type OutboxItem } from './outbox.ts'

/** Queues frames for a device as one message, which is encrypted once it can be carried. */
export function* sendNotice(
  turn: Turn,
  device: Bytes32,
  ...frames: readonly Frame[]
): Step<OutboxItem> {
  const content = { kind: 'notice', frames: encodeFrames(frames), untilHeard: false } as const
  return yield* enqueue(turn, device, content)
}
