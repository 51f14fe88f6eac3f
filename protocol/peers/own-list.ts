// Answering a list-request: the device list of our account, or of the asker's as we know it.
import { type Bytes32, equalBytes } from '../../crypto/index.ts'
import { frameOf } from '../content/kind.ts'
import { listFrame } from '../content/list.ts'
import type { ListRequest } from '../content/list-request.ts'
import { sendControl } from '../delivery/control.ts'
import { type Step, type Turn, get } from '../step.ts'
import { deviceLists } from './device-lists.ts'
import { peers } from './peer.ts'

/** Sends the wanted list where ours is higher than the one they hold. */
export function* sendList(
  turn: Turn,
  contact: Bytes32,
  device: Bytes32,
  request: ListRequest,
): Step<void> {
  const wanted = request.account ?? turn.self.account
  const allowed = equalBytes(wanted, turn.self.account) || equalBytes(wanted, contact)
  if (!allowed) return
  const held = yield* get(deviceLists, wanted)
  const peer = yield* get(peers, device)
  if (held === undefined || peer === undefined || held.version <= request.version) return
  yield* sendControl(turn, peer, (c) => frameOf(listFrame, { c, list: held.bytes }))
}
