// Trying what was kept again, once the session it belongs to changed (SPEC.md §5.6).
import type { Bytes32 } from '../../crypto/index.ts'
import type { Step, Turn } from '../step.ts'
import type { Arrival } from './arrival.ts'
import { openArrival } from './inbox.ts'
import { type KeptItem, keptFrom } from './kept.ts'

const PAGE = 64

/**
 * Tries up to 64 items of a device on each of its two shelves, oldest first; whether any opened, so
 * that more may now. What does not open stays where it is, as old as it was.
 */
export function* retryKept(turn: Turn, device: Bytes32): Step<boolean> {
  let opened = false
  for (const held of [true, false]) {
    for (const item of yield* keptFrom({ device, held }, 0, PAGE)) {
      const outcome = yield* openArrival(turn, {
        sid: item.sid,
        inner: item.inner,
        path: pathOf(item),
      })
      if ('code' in outcome) opened = true
    }
  }
  return opened
}

function pathOf(item: KeptItem): Arrival['path'] {
  const { serviceKey = new Uint8Array(32), capId, storedAtS } = item
  return { kind: 'relay', serviceKey, capId, storedAtS }
}
