// Who got `quota` and is still connected is told when there is room again (ROOM, SPEC.md §14.2).
import { type Bytes16, toHex } from '../../crypto/index.ts'
import {
  type MailboxCounters,
  type MailboxLimits,
  ROOM_BELOW,
  encodePushFrame,
} from '../../protocol/index.ts'
import type { FrameStream } from '../transport.ts'
import { ROOM_MAILBOXES_MAX, ROOM_WAITERS_MAX } from './limits.ts'

export class RoomWaiters {
  readonly #limits: MailboxLimits
  readonly #waiting = new Map<string, Set<FrameStream>>()

  constructor(limits: MailboxLimits) {
    this.#limits = limits
  }

  /** Beyond the bounds nobody is remembered: they wait as long as they were told to. */
  wait(mailboxId: Bytes16, stream: FrameStream): void {
    // It closed while its deposit was looked at, and is forgotten already.
    if (!stream.open) return
    const name = toHex(mailboxId)
    const streams = this.#waiting.get(name)
    if (streams !== undefined) {
      if (streams.size < ROOM_WAITERS_MAX) streams.add(stream)
      return
    }
    if (this.#waiting.size < ROOM_MAILBOXES_MAX) this.#waiting.set(name, new Set([stream]))
  }

  /** Something left a mailbox. */
  check(mailboxId: Bytes16, counters: MailboxCounters | undefined): void {
    const name = toHex(mailboxId)
    const streams = this.#waiting.get(name)
    if (streams === undefined) return
    const hasRoom = this.#limits.lanes.every((limit, lane) => {
      const used = counters?.lane(lane) ?? { rows: 0, bytes: 0 }
      return used.rows <= limit.rows * ROOM_BELOW && used.bytes <= limit.bytes * ROOM_BELOW
    })
    const ringHasRoom = (counters?.ring.bytes ?? 0) <= this.#limits.ringBytes * ROOM_BELOW
    if (!hasRoom || !ringHasRoom) return
    this.#waiting.delete(name)
    for (const stream of streams) stream.send(encodePushFrame([{ kind: 'room', mailboxId }]))
  }

  /** A stream is over. */
  forget(stream: FrameStream): void {
    for (const [name, streams] of this.#waiting) {
      if (streams.delete(stream) && streams.size === 0) this.#waiting.delete(name)
    }
  }
}
