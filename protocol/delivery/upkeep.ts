// What time does to delivery: envelopes whose life is over, first messages nobody answered, items
// kept too long, capabilities that grow old. All by the guarded clock (SPEC.md §10).
import type { Bytes32 } from '../../crypto/index.ts'
import { seekSilent } from '../contacts/seek-restored.ts'
import { renewCapabilities } from '../peers/own-endpoints.ts'
import { forgetRendezvousRoots } from '../peers/rendezvous.ts'
import type { Step, Turn } from '../step.ts'
import { remainingLifeMs } from './carriage.ts'
import { eachItem, waitingDevices } from './outbox.ts'
import { dropOldNotices, probeCustody } from './probe.ts'
import { sweepKept } from './quarantine.ts'
import { stopItem } from './stop-carriage.ts'
import { syncContacts } from './sync-contact.ts'
import { sweepUnanswered } from './unanswered.ts'

/** Once a minute. */
export function* sweepDelivery(turn: Turn): Step<void> {
  yield* sweepKept(turn)
  yield* sweepUnanswered(turn)
  yield* syncContacts(turn)
}

/** Once an hour. */
export function* tendDelivery(turn: Turn): Step<void> {
  for (const device of yield* waitingDevices.all()) {
    yield* expireItems(turn, device)
    yield* dropOldNotices(turn, device)
    yield* probeCustody(turn, device)
  }
  yield* renewCapabilities(turn)
  yield* seekSilent(turn)
  yield* forgetRendezvousRoots(turn)
}

/**
 * Stops the carriage of what was encrypted 30 days ago: the entries stay, shown as expired, and are
 * offered again with everything else when the device is heard.
 */
export function* expireItems(turn: Turn, device: Bytes32): Step<void> {
  yield* eachItem(device, function* (item) {
    const { message } = item
    if (message === undefined || remainingLifeMs(turn, message.encryptedAtMs) > 0) return
    yield* stopItem(turn, item, 'expired')
  })
}
