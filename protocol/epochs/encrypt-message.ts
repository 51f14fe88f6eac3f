// Encrypting for a group (SPEC.md §20.4): one chain row is read and written, whatever the size of the
// group. The same bytes go to gossip, streams and mailboxes.
import {
  type Bytes32,
  GROUP_CHAIN_MAX_MESSAGES,
  GROUP_CHAIN_ROTATE_AT,
  GROUP_FRAMES_MAX_BYTES,
  encryptGroupMessage,
  innerId,
} from '../../crypto/index.ts'
import { type Step, type Turn, get } from '../step.ts'
import { chainAt } from './epoch-chains.ts'
import { type EpochKey, chains, epochs } from './epoch-tables.ts'

export type GroupEncryptOutcome =
  | {
      readonly kind: 'encrypted'
      readonly message: Uint8Array
      /** H(L("inner") ‖ message): what duplicates are known by. */
      readonly innerId: Bytes32
      readonly ctr: number
      /** The own chain nears its end: rotate at once. */
      readonly rotate: boolean
    }
  | { readonly kind: 'unknownEpoch' }
  /** exhausted: 1 000 messages in this epoch; tooLarge: the frames exceed one message. */
  | { readonly kind: 'limit'; readonly reason: 'exhausted' | 'tooLarge' }

/**
 * Encrypts frames under the own chain of an epoch. Which epoch is the caller's choice (SPEC.md
 * §20.8). The message leaves only once this turn's batch is durable.
 */
export function* encryptInEpoch(
  turn: Turn,
  key: EpochKey,
  frames: Uint8Array,
): Step<GroupEncryptOutcome> {
  const epoch = yield* get(epochs, key)
  if (epoch === undefined) return { kind: 'unknownEpoch' }
  const devIdx = epoch.ownIndex
  const chain = yield* chainAt(turn, epoch, devIdx)
  if (chain === undefined) return { kind: 'unknownEpoch' }
  if (chain.count >= GROUP_CHAIN_MAX_MESSAGES) return { kind: 'limit', reason: 'exhausted' }
  if (frames.length > GROUP_FRAMES_MAX_BYTES) return { kind: 'limit', reason: 'tooLarge' }
  const sender = { headerKey: epoch.headerKey, epochTag: epoch.tag, devIdx, chain }
  const { message, next } = encryptGroupMessage(turn.crypto, sender, frames, turn.random)
  turn.put(chains, { opId: key.opId, devIdx }, { ...next, device: chain.device })
  return {
    kind: 'encrypted',
    message,
    innerId: innerId(turn.crypto, message),
    ctr: chain.count,
    rotate: next.count >= GROUP_CHAIN_ROTATE_AT,
  }
}
