// What opening a message told of its sender: of a test's accounts and devices, on a new session.
import type { Bytes32 } from '../../crypto/index.ts'
import type { OpenedInner } from '../../protocol/session/open-outcome.ts'
import { bytesOf } from './entries.ts'

export function openedFrom(account: Bytes32, device: Bytes32, transcript: Bytes32): OpenedInner {
  return {
    kind: 'opened',
    account,
    device,
    sid: bytesOf('sid', 16),
    first: true,
    init: true,
    frames: new Uint8Array(0),
    lists: {
      theirs: { version: 1, hash: bytesOf('theirs', 16) },
      ours: { version: 1, hash: bytesOf('ours', 16) },
      needTheirs: false,
      owesOurs: false,
    },
    transcript,
    resetEpoch: 0,
  }
}
