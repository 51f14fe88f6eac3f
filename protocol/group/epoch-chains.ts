// Reading what a message needs of an epoch, in a few small rows (SPEC.md §20.7).
import { type Bytes8, type Bytes32, epochChainKey, startChain } from '../../crypto/index.ts'
import { EPOCHS_PER_TAG_MAX, EPOCHS_SCAN_MAX, RECIPIENTS_PAGE_DEVICES } from '../limits.ts'
import { type Step, type Turn, get, range } from '../step.ts'
import type { ChainRecord, EpochRecord } from './epoch-record.ts'
import { chains, epochTags, epochs, recipientPages } from './epoch-tables.ts'

/** The device at a rank; undefined beyond the last. */
export function* recipientAt(epoch: EpochRecord, devIdx: number): Step<Bytes32 | undefined> {
  if (devIdx >= epoch.recipientCount) return undefined
  const page = Math.floor(devIdx / RECIPIENTS_PAGE_DEVICES)
  const devices = yield* get(recipientPages, { opId: epoch.opId, page })
  return devices?.[devIdx % RECIPIENTS_PAGE_DEVICES]
}

/** All recipients, ascending. */
export function* recipientsOf(epoch: EpochRecord): Step<readonly Bytes32[]> {
  const limit = Math.ceil(epoch.recipientCount / RECIPIENTS_PAGE_DEVICES)
  const rows = yield* range(recipientPages, { owner: epoch.opId, limit })
  return rows.flatMap(({ value }) => value)
}

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

/** All epochs of a group that are kept. */
export function* epochsOf(group: Bytes32): Step<readonly EpochRecord[]> {
  const rows = yield* range(epochs, { owner: group, limit: EPOCHS_SCAN_MAX })
  return rows.map(({ value }) => value)
}
