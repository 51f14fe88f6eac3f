// An account whose messages are taken again: what it wrote while they were not, and what was not carried
// to it, would wait for the next word of either side, and nobody might ever say one (SPEC.md §10.9).
import type { Bytes32 } from '../../crypto/index.ts'
import { markReceiptDue } from '../delivery/receipts-out.ts'
import { resumeCarriage } from '../delivery/stop-carriage.ts'
import { directConversation } from '../log/entry.ts'
import { knownDevices } from '../peers/known-devices.ts'
import { peers } from '../peers/peer.ts'
import { type Step, type Turn, get } from '../step.ts'

/** Has every known device told what is held of it, and carries on; `greet` is run for each first. */
export function* takeUp(
  turn: Turn,
  account: Bytes32,
  greet?: (turn: Turn, device: Bytes32) => Step<void>,
): Step<void> {
  const conversation = directConversation(turn.crypto, turn.self.account, account)
  for (const { device } of yield* knownDevices(account)) {
    if ((yield* get(peers, device)) === undefined) continue
    if (greet !== undefined) yield* greet(turn, device)
    yield* markReceiptDue(turn, device, conversation)
    yield* resumeCarriage(turn, device)
  }
}
