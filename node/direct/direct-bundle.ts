// The answer to a card-request: a bundle for the holder of a live direct invite, or for an accepted
// contact (SPEC.md §9).
import { type Bytes16, type Bytes32, equalBytes } from '../../crypto/index.ts'
import {
  type CardReply,
  allInvites,
  buildDirectBundle,
  contactOf,
  deviceLists,
  get,
  isAccepted,
  rendezvousList,
} from '../../protocol/index.ts'
import type { Core } from '../core.ts'

/** Undefined refuses. `account`: whose transport key asks, where it is known. */
export function directBundle(
  core: Core,
  transportKey: Bytes32,
  inviteId: Bytes16,
  account: Bytes32 | undefined,
): Promise<CardReply | undefined> {
  return core.ledger.run(function* (turn) {
    const nowS = Math.floor(turn.nowMs / 1000)
    const invite = (yield* allInvites()).find((one) => equalBytes(one.inviteId, inviteId))
    const live =
      invite !== undefined &&
      !invite.revoked &&
      nowS <= invite.expiresAtS &&
      (invite.reusable || invite.claims.length === 0)
    const accepted = account !== undefined && isAccepted(yield* contactOf(account))
    if (!live && !accepted) return undefined
    const list = yield* get(deviceLists, core.self.account)
    if (list === undefined) return undefined
    return yield* buildDirectBundle(turn, transportKey, {
      list: list.bytes,
      endpoints: [],
      rendezvous: yield* rendezvousList(),
    })
  })
}
