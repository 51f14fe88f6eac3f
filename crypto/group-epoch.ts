// The keys of a group's epochs (SPEC.md §20.1). Everything derives from the hash of an operation's
// core, which holds no commit: so the commit can stand beside it in the operation without a circle,
// and two members who took different secrets for one operation notice it at once.
import { type Bytes32, compareBytes, concat, equalBytes } from './bytes.ts'
import { hkdf, hkdfExpand } from './kdf.ts'
import { label } from './labels.ts'
import { expectSecretLength } from './lengths.ts'
import type { CryptoProvider } from './provider.ts'

/** What of an operation enters its epoch's keys. */
export interface EpochCore {
  /** The gid field of the core: zeros in the operation that creates the group. */
  readonly group: Bytes32
  /** H(L("g-op-core") ‖ core). */
  readonly coreHash: Bytes32
}

/** Bytes of a derived epoch's commit, and of a fresh one's, which commits to the lineage too. */
export const DERIVED_COMMIT_BYTES = 32
export const FRESH_COMMIT_BYTES = 64

// HMAC pads short keys with zeros, so 31 bytes and the same 31 with a zero behind them would give one
// epoch: a secret of any other length than 32 is refused everywhere (ERR_CRYPTO_PARAMETER).

/** E = HKDF(g, seed, L("epoch") ‖ coreHash, 32): the epoch of an operation that draws a new seed. */
export function freshEpochSecret(
  provider: CryptoProvider,
  core: EpochCore,
  seed: Bytes32,
): Uint8Array<ArrayBuffer> {
  expectSecretLength(seed)
  return hkdf(provider, core.group, seed, concat(label('epoch'), core.coreHash), 32)
}

/** E = HKDF(gid, addk, L("add") ‖ coreHash, 32): the epoch that extends another one. */
export function derivedEpochSecret(
  provider: CryptoProvider,
  core: EpochCore,
  addKey: Bytes32,
): Uint8Array<ArrayBuffer> {
  expectSecretLength(addKey)
  return hkdf(provider, core.group, addKey, concat(label('add'), core.coreHash), 32)
}

/** addk = Expand(E, L("g-addk"), 32): what epochs that extend this one derive from. */
export function epochAddKey(provider: CryptoProvider, epoch: Bytes32): Uint8Array<ArrayBuffer> {
  expectSecretLength(epoch)
  return hkdfExpand(provider, epoch, label('g-addk'), 32)
}

/** CK_i = Expand(E, L("g-chain") ‖ DK_i, 32): where a device's sender chain starts. */
export function epochChainKey(
  provider: CryptoProvider,
  epoch: Bytes32,
  device: Bytes32,
): Uint8Array<ArrayBuffer> {
  expectSecretLength(epoch)
  return hkdfExpand(provider, epoch, concat(label('g-chain'), device), 32)
}

/** G = Expand(E, L("g-lineage"), 32), of a fresh epoch: what all that extend it share. */
export function lineageSecret(provider: CryptoProvider, epoch: Bytes32): Uint8Array<ArrayBuffer> {
  expectSecretLength(epoch)
  return hkdfExpand(provider, epoch, label('g-lineage'), 32)
}

/** commit of a derived epoch: HMAC(E, L("commit") ‖ g ‖ coreHash), 32 bytes. */
export function commitEpoch(
  provider: CryptoProvider,
  core: EpochCore,
  epoch: Bytes32,
): Uint8Array<ArrayBuffer> {
  expectSecretLength(epoch)
  return provider.hmac(epoch, label('commit'), core.group, core.coreHash)
}

/**
 * H(L("lineage") ‖ g ‖ coreHash ‖ G), 32 bytes: the second half of a fresh epoch's commit. It lets
 * somebody who was added later check G, which comes beside an epoch that G cannot be derived from.
 */
export function commitLineage(
  provider: CryptoProvider,
  core: EpochCore,
  lineage: Bytes32,
): Uint8Array<ArrayBuffer> {
  expectSecretLength(lineage)
  return provider.sha256(label('lineage'), core.group, core.coreHash, lineage)
}

/** commit of a fresh epoch, 64 bytes: to E, then to G. */
export function commitFreshEpoch(
  provider: CryptoProvider,
  core: EpochCore,
  epoch: Bytes32,
): Uint8Array<ArrayBuffer> {
  const lineage = lineageSecret(provider, epoch)
  return concat(commitEpoch(provider, core, epoch), commitLineage(provider, core, lineage))
}

/** Whether E is what the operation committed to; `commit` has 32 bytes (derived) or 64 (fresh). */
export function epochCommitHolds(
  provider: CryptoProvider,
  core: EpochCore,
  epoch: Bytes32,
  commit: Uint8Array,
): boolean {
  if (commit.length === FRESH_COMMIT_BYTES) {
    return equalBytes(commitFreshEpoch(provider, core, epoch), commit)
  }
  return equalBytes(commitEpoch(provider, core, epoch), commit)
}

/** Whether G is what a fresh operation committed to; `commit` is its whole commit of 64 bytes. */
export function lineageCommitHolds(
  provider: CryptoProvider,
  core: EpochCore,
  lineage: Bytes32,
  commit: Uint8Array,
): boolean {
  if (commit.length !== FRESH_COMMIT_BYTES) return false
  return equalBytes(commitLineage(provider, core, lineage), commit.subarray(DERIVED_COMMIT_BYTES))
}

/** devIdx: the rank of a device among recipients in ascending order; undefined where it is none. */
export function deviceIndex(recipients: readonly Bytes32[], device: Bytes32): number | undefined {
  let [low, high] = [0, recipients.length - 1]
  while (low <= high) {
    const middle = (low + high) >> 1
    const order = compareBytes(recipients[middle] ?? device, device)
    if (order === 0) return middle
    if (order < 0) low = middle + 1
    else high = middle - 1
  }
  return undefined
}
