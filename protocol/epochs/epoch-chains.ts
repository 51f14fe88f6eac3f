// Reading what a message needs of an epoch, in a few small rows (SPEC.md §20.7).
import { type Bytes8, epochChainKey, startChain } from '../../crypto/index.ts'
import { EPOCHS_PER_TAG_MAX } from '../group-limits.ts'
import { type Step, type Turn, get, range } from '../step.ts'
import type { ChainRecord, EpochRecord } from './epoch-record.ts'
import { recipientAt } from './epoch-recipients.ts'
import { chains, epochTags, epochs } from './epoch-tables.ts'

/**
 * A device's chain: its row, or its start where E is still here; undefined for a rank that is none.
 */
export function* chainAt(
  turn: Turn,
  epoch: EpochRecord,
  devIdx: number,
): Step<ChainRecord | undefined> {
  if (devIdx >= epoch.recipientCount) return undefined
  const { opId, secret } = epoch
  const stored = yield* get(chains, { opId, devIdx })
  if (stored !== undefined || secret === undefined) return stored
  const device = yield* recipientAt(epoch, devIdx)
  if (device === undefined) return undefined
  return { ...startChain(epochChainKey(turn.crypto, secret, device)), device }
}

/** The epochs that a tag names: one, unless two groups share its 8 bytes. */
export function* epochsByTag(tag: Bytes8): Step<readonly EpochRecord[]> {
  const found: EpochRecord[] = []
  for (const { value } of yield* range(epochTags, { owner: tag, limit: EPOCHS_PER_TAG_MAX })) {
    const epoch = yield* get(epochs, value)
    if (epoch !== undefined) found.push(epoch)
  }
  return found
}
