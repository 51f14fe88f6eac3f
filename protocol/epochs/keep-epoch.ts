// Taking in an epoch (SPEC.md §20.1): its secret comes from an operation of one's own, with a seed or
// welcome frame, or from the epoch it extends. Nothing is kept that the operation's commit does not
// vouch for, so whoever hands a secret on needs no trust.
import {
  type Bytes32,
  DERIVED_COMMIT_BYTES,
  EPOCH_RECIPIENTS_MAX,
  type EpochCore,
  FRESH_COMMIT_BYTES,
  compareBytes,
  deriveLineage,
  derivedEpochSecret,
  deviceIndex,
  epochAddKey,
  epochChainKey,
  epochCommitHolds,
  epochTag,
  freshEpochSecret,
  lineageCommitHolds,
  lineageSecret,
  lineageTag,
  startChain,
} from '../../crypto/index.ts'
import { type Step, type Turn, get } from '../step.ts'
import type { EpochRecord } from './epoch-record.ts'
import {
  type LineageRecord,
  chains,
  epochTags,
  epochs,
  lineageTags,
  lineages,
} from './epoch-tables.ts'
import { putAddedRecipients, putRecipients } from './epoch-recipients.ts'
import { putEpoch } from './held-epochs.ts'

/** What keys need to know of an operation that makes an epoch. */
export interface EpochOperation {
  readonly opId: Bytes32
  readonly core: EpochCore
  /** 64 bytes: fresh; 32: it extends `parent`. */
  readonly commit: Uint8Array
  readonly lamport: number
}

/** Where the secret comes from. */
export type EpochSource =
  /** The 32 random bytes of a fresh operation. */
  | { readonly kind: 'seed'; readonly seed: Uint8Array }
  /** E itself, and G where the lineage may be unknown here. */
  | { readonly kind: 'secret'; readonly epoch: Uint8Array; readonly lineage?: Uint8Array }
  /** The add key of the epoch it extends, which is held. */
  | { readonly kind: 'parent' }

export interface EpochGrant {
  /** gid. */
  readonly group: Bytes32
  readonly operation: EpochOperation
  /** The fresh operation of the lineage; the same one where it is fresh. */
  readonly fresh: EpochOperation
  /** epochOp of an operation that extends; undefined in a fresh one. */
  readonly parent: Bytes32 | undefined
  /** recipients(op), ascending; its hash was checked against the operation (V10). */
  readonly recipients: readonly Bytes32[]
  readonly recipientsHash: Bytes32
  readonly source: EpochSource
  /** Whether an epoch is held already whose operation has this one in its past. */
  readonly above?: 'derived' | 'fresh'
}

export type KeepRefusal =
  /** The secret is not the one the operation committed to: proof that somebody gave two. */
  | 'commit'
  /** G is not the one the fresh operation committed to. */
  | 'lineageCommit'
  /** A secret that does not have 32 bytes, or a commit that fits no kind of epoch. */
  | 'malformed'
  /** The lineage is unknown here, and G did not come with E. */
  | 'noLineage'
  /** The epoch that it extends is not held, or its add key is gone. */
  | 'noParent'
  /** This device is no recipient, or there are too many, or they do not ascend. */
  | 'recipients'

export type KeepOutcome =
  | { readonly kind: 'kept'; readonly epoch: EpochRecord }
  /** It is held already, and this is the same secret. */
  | { readonly kind: 'known' }
  | { readonly kind: 'refused'; readonly reason: KeepRefusal }

function refused(reason: KeepRefusal): KeepOutcome {
  return { kind: 'refused', reason }
}

function ascend(devices: readonly Bytes32[]): boolean {
  return devices.every((device, i) => {
    const before = devices[i - 1]
    return device.length === 32 && (before === undefined || compareBytes(before, device) < 0)
  })
}

/** E of a grant, unchecked. */
function* secretOf(
  turn: Turn,
  grant: EpochGrant,
  parent: EpochRecord | undefined,
): Step<Uint8Array | KeepRefusal> {
  const { source, operation } = grant
  const isFresh = operation.commit.length === FRESH_COMMIT_BYTES
  switch (source.kind) {
    case 'seed':
      if (!isFresh || source.seed.length !== 32) return 'malformed'
      return freshEpochSecret(turn.crypto, operation.core, source.seed)
    case 'secret':
      return source.epoch.length === 32 ? source.epoch : 'malformed'
    case 'parent':
      if (isFresh || parent?.addKey === undefined) return 'noParent'
      return derivedEpochSecret(turn.crypto, operation.core, parent.addKey)
  }
}

/** The lineage of a grant: held, or from G, or from E of a fresh epoch. */
function* lineageOf(
  turn: Turn,
  grant: EpochGrant,
  epoch: Uint8Array,
): Step<LineageRecord | KeepRefusal> {
  const { group, fresh, source, operation } = grant
  const held = yield* get(lineages, { group, opId: fresh.opId })
  if (held) return held
  const isFresh = operation.commit.length === FRESH_COMMIT_BYTES
  const given = source.kind === 'secret' ? source.lineage : undefined
  const secret = isFresh ? lineageSecret(turn.crypto, epoch) : given
  if (secret === undefined) return 'noLineage'
  if (secret.length !== 32) return 'malformed'
  if (!lineageCommitHolds(turn.crypto, fresh.core, secret, fresh.commit)) return 'lineageCommit'
  const keys = deriveLineage(turn.crypto, secret)
  const tag = lineageTag(turn.crypto, keys.tagKey)
  return { ...keys, group, opId: fresh.opId, tag, secret: new Uint8Array(secret) }
}

/** Writes a chain at its start for every recipient: after that E need not be kept. */
export function putChains(
  turn: Turn,
  opId: Bytes32,
  epoch: Bytes32,
  recipients: readonly Bytes32[],
): void {
  for (const [devIdx, device] of recipients.entries()) {
    const chain = startChain(epochChainKey(turn.crypto, epoch, device))
    turn.put(chains, { opId, devIdx }, { ...chain, device })
  }
}

/**
 * Keeps an epoch whose secret passes the operation's commit. A fresh one keeps its chains and its
 * add key, and neither seed nor E; one that extends a held epoch keeps E, which the add key above
 * gives anyway, and no chains. Nothing is written for a refusal.
 */
export function* keepEpoch(turn: Turn, grant: EpochGrant): Step<KeepOutcome> {
  const { group, operation, recipients, parent: parentOp } = grant
  const { opId, commit } = operation
  const isFresh = commit.length === FRESH_COMMIT_BYTES
  if (!isFresh && (commit.length !== DERIVED_COMMIT_BYTES || parentOp === undefined)) {
    return refused('malformed')
  }
  const ownIndex = deviceIndex(recipients, turn.self.device)
  if (ownIndex === undefined || recipients.length > EPOCH_RECIPIENTS_MAX || !ascend(recipients)) {
    return refused('recipients')
  }
  const parent = parentOp && (yield* get(epochs, { group, opId: parentOp }))
  const secret = yield* secretOf(turn, grant, parent)
  if (typeof secret === 'string') return refused(secret)
  if (!epochCommitHolds(turn.crypto, operation.core, secret, commit)) return refused('commit')
  const lineage = yield* lineageOf(turn, grant, secret)
  if (typeof lineage === 'string') return refused(lineage)
  const held = yield* get(epochs, { group, opId })
  if (held !== undefined) return { kind: 'known' }
  const lazy = !isFresh && parent?.addKey !== undefined
  const epoch: EpochRecord = {
    group,
    opId,
    lineage: lineage.opId,
    fresh: isFresh,
    lamport: operation.lamport,
    tag: epochTag(turn.crypto, lineage.tagKey, opId),
    headerKey: lineage.headerKey,
    recipientsHash: grant.recipientsHash,
    recipientCount: recipients.length,
    ownIndex,
    secret: lazy ? new Uint8Array(secret) : undefined,
    addKey: epochAddKey(turn.crypto, secret),
    parent: parentOp ?? new Uint8Array(32),
    keptAtMs: turn.safeNowMs,
    supersededAtMs: grant.above === undefined ? 0 : turn.safeNowMs,
    freshAboveAtMs: grant.above === 'fresh' ? turn.safeNowMs : 0,
  }
  yield* putEpoch(turn, epoch)
  turn.put(epochTags, { tag: epoch.tag, opId }, { group, opId })
  turn.put(lineages, { group, opId: lineage.opId }, lineage)
  turn.put(lineageTags, { tag: lineage.tag, opId: lineage.opId }, { group, opId: lineage.opId })
  if (lazy) yield* putAddedRecipients(turn, opId, recipients, parent)
  else {
    putRecipients(turn, opId, recipients)
    putChains(turn, opId, secret, recipients)
  }
  if (grant.source.kind !== 'secret') secret.fill(0)
  return { kind: 'kept', epoch }
}
