// Trying what was kept again, once the session it belongs to changed (SPEC.md §5).
import type { Bytes32 } from '../../crypto/index.ts'
import type { Step, Turn } from '../step.ts'
import { receiveInner } from './inbox.ts'
import { type KeptItem, dropKept, keptOf } from './quarantine.ts'

const PAGE = 64

/** Tries up to 64 items of a device, oldest first; whether any opened, so that more may now. */
export function* retryKept(turn: Turn, device: Bytes32): Step<boolean> {
  let opened = false
  for (const item of yield* keptOf(device, PAGE)) {
    yield* dropKept(turn, device, item)
    const answer = yield* receiveInner(turn, {
      sid: item.sid,
      inner: item.inner,
      path: pathOf(item),
    })
    // What still does not open is kept anew by the same machine that kept it before.
    if (answer.code === 'committed') opened = true
  }
  return opened
}

function pathOf(item: KeptItem): Parameters<typeof receiveInner>[1]['path'] {
  const { serviceKey = new Uint8Array(32), capId, storedAtS } = item
  return { kind: 'relay', serviceKey, capId, storedAtS }
}
