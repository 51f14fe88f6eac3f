// Operations to the whole group (SPEC.md §20.5), under a lineage's key: 0x22 messages.
import {
  type Bytes32,
  CryptoError,
  innerId,
  openOperations,
  operationsTag,
  sealOperations,
} from '../../crypto/index.ts'
import { EPOCHS_PER_TAG_MAX } from '../group-limits.ts'
import { type Step, type Turn, get, range } from '../step.ts'
import { type EpochKey, lineageTags, lineages } from './epoch-tables.ts'

/** A 0x22 message of encoded GroupOps under the lineage of a fresh operation; undefined if not held. */
export function* sealGroupOperations(
  turn: Turn,
  lineage: EpochKey,
  operations: readonly Uint8Array[],
): Step<Uint8Array | undefined> {
  const record = yield* get(lineages, lineage)
  if (record === undefined) return undefined
  const keys = { controlKey: record.controlKey, lineageTag: record.tag }
  return sealOperations(turn.crypto, keys, operations, turn.random)
}

export type OperationsOutcome =
  | {
      readonly kind: 'opened'
      readonly group: Bytes32
      /** Encoded GroupOps, not yet checked. */
      readonly operations: readonly Uint8Array[]
      readonly innerId: Bytes32
    }
  | { readonly kind: 'unknownLineage' }
  | { readonly kind: 'unauthentic' }
  | { readonly kind: 'malformed' }

/** Opens a 0x22 message. Writes nothing. */
export function* openGroupOperations(turn: Turn, bytes: Uint8Array): Step<OperationsOutcome> {
  try {
    const owner = operationsTag(bytes)
    const rows = yield* range(lineageTags, { owner, limit: EPOCHS_PER_TAG_MAX })
    if (rows.length === 0) return { kind: 'unknownLineage' }
    for (const { value } of rows) {
      const record = yield* get(lineages, value)
      const opened = record && openOperations(turn.crypto, record.controlKey, bytes)
      if (opened === undefined) continue
      const id = innerId(turn.crypto, bytes)
      return { kind: 'opened', group: value.group, operations: opened, innerId: id }
    }
    return { kind: 'unauthentic' }
  } catch (error) {
    if (error instanceof CryptoError && error.code === 'ERR_WIRE_MALFORMED') {
      return { kind: 'malformed' }
    }
    throw error
  }
}
