// The 48 bytes at the head of every plaintext: which device lists the sender goes by (SPEC.md §6).
// They tell of a missed list; they never make a message unreadable.
import {
  type Bytes32,
  LISTS_BYTES,
  compareBytes,
  concat,
  expectLength,
  malformed,
  readU64,
  u64,
} from '../../crypto/index.ts'
import type { DeviceListRecord } from '../peers/device-lists.ts'
import { type Step, get } from '../step.ts'
import { deviceLists } from '../peers/device-lists.ts'

const HASH_BYTES = 16

export interface ListVersion {
  /** 0: the sender knows no list. */
  readonly version: number
  /** listHash[0..16]. */
  readonly hash: Uint8Array
}

/** What the sender of a message said about lists, and what follows for us. */
export interface ListVersions {
  /** The sender's own list. */
  readonly theirs: ListVersion
  /** Ours, as the sender knows it. */
  readonly ours: ListVersion
  /** The sender goes by a list of its own that we lack: ask for it. */
  readonly needTheirs: boolean
  /** The sender lacks our list: send it. */
  readonly owesOurs: boolean
}

function encodeOne(record: DeviceListRecord | undefined): Uint8Array {
  if (record === undefined) return new Uint8Array(8 + HASH_BYTES)
  return concat(u64(record.version), record.hash.subarray(0, HASH_BYTES))
}

/** lists48 of a message to an account: own version and hash, then the peer's as it is known here. */
export function* encodeListVersions(own: Bytes32, peer: Bytes32): Step<Uint8Array> {
  const mine = yield* get(deviceLists, own)
  const theirs = yield* get(deviceLists, peer)
  return concat(encodeOne(mine), encodeOne(theirs))
}

function readOne(bytes: Uint8Array, at: number): ListVersion {
  const version = readU64(bytes, at)
  if (!Number.isSafeInteger(version)) malformed('list version above 2^53 - 1')
  return { version, hash: bytes.slice(at + 8, at + 8 + HASH_BYTES) }
}

function differs(said: ListVersion, record: DeviceListRecord | undefined): boolean {
  if (record === undefined) return said.version > 0
  const sameHash = compareBytes(said.hash, record.hash.subarray(0, HASH_BYTES)) === 0
  return said.version !== record.version || !sameHash
}

/** Reads lists48 against what is known here. Throws ERR_WIRE_MALFORMED. */
export function readListVersions(
  bytes: Uint8Array,
  known: {
    readonly theirs: DeviceListRecord | undefined
    readonly ours: DeviceListRecord | undefined
  },
): ListVersions {
  expectLength(bytes, LISTS_BYTES, 'list versions')
  const theirs = readOne(bytes, 0)
  const ours = readOne(bytes, 24)
  const older = theirs.version < (known.theirs?.version ?? 0)
  return {
    theirs,
    ours,
    needTheirs: !older && differs(theirs, known.theirs),
    owesOurs: ours.version <= (known.ours?.version ?? 0) && differs(ours, known.ours),
  }
}
