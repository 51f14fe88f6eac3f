// Hashes that group operations carry or that order their members (SPEC.md §19.1, §20).
import { type Bytes32, compareBytes } from './bytes.ts'
import { encodeCbor } from './cbor-encoder.ts'
import { label } from './labels.ts'
import type { CryptoProvider } from './provider.ts'

/** rcpt = H(L("g-rcpt") ‖ device keys): 32 bytes. The keys ascend already. */
export function groupRecipientsHash(
  provider: CryptoProvider,
  devices: readonly Bytes32[],
): Uint8Array<ArrayBuffer> {
  return provider.sha256(label('g-rcpt'), ...devices)
}

/** Where the log of one author stands for a newcomer. */
export interface GroupBaseRow {
  readonly device: Bytes32
  readonly n: number
  readonly id: Bytes32
  readonly lamport: number
}

/** baseHash = H(L("g-base") ‖ CBOR [[DK, n, id, lamport]]), ascending by DK: 32 bytes. */
export function groupBaseHash(
  provider: CryptoProvider,
  rows: readonly GroupBaseRow[],
): Uint8Array<ArrayBuffer> {
  const table = rows
    .toSorted((a, b) => compareBytes(a.device, b.device))
    .map(({ device, n, id, lamport }) => [device, n, id, lamport])
  return provider.sha256(label('g-base'), encodeCbor(table))
}

/**
 * The place of a device in the order in which members repair: how many of `devices` have a smaller
 * H(L("g-rank") ‖ opId ‖ DK).
 */
export function groupRepairRank(
  provider: CryptoProvider,
  opId: Bytes32,
  device: Bytes32,
  devices: readonly Bytes32[],
): number {
  const place = (key: Bytes32): Uint8Array => provider.sha256(label('g-rank'), opId, key)
  const own = place(device)
  return devices.filter((other) => compareBytes(place(other), own) < 0).length
}
