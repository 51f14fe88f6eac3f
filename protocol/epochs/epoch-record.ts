// The stored records of a group's epochs (SPEC.md §20.7), in fixed places: an epoch and one chain are
// read with every message, and one chain is written. So a message costs the same in a group of two
// and in one of a thousand.
import {
  type Bytes8,
  type Bytes32,
  type GroupChain,
  concat,
  copy,
  expectLength,
  malformed,
  readU16,
  readU32,
  u16,
  u32,
  u64,
} from '../../crypto/index.ts'

const VERSION = 1
const FRESH = 1
const HAS_SECRET = 2
const HAS_ADD_KEY = 4
const EPOCH_BYTES = 302
const CHAIN_BYTES = 69
const ZEROS32: Uint8Array = new Uint8Array(32)

/** An epoch whose secret was checked against its operation's commit. */
export interface EpochRecord {
  readonly group: Bytes32
  /** The operation that made it. */
  readonly opId: Bytes32
  /** The fresh operation of its lineage: its own, or the one below it. */
  readonly lineage: Bytes32
  readonly fresh: boolean
  /** Of its operation. */
  readonly lamport: number
  readonly tag: Bytes8
  /** hk of the lineage. */
  readonly headerKey: Bytes32
  /** rcpt: H(L("g-rcpt") ‖ recipients). */
  readonly recipientsHash: Bytes32
  readonly recipientCount: number
  /** devIdx of this device. */
  readonly ownIndex: number
  /**
   * E, only in an epoch that extends another whose add key is kept: it gives E anyway. While it is
   * here, a chain without a row stands at its start.
   */
  readonly secret: Bytes32 | undefined
  /** addk, until fresh epochs took over (SPEC.md §20.6). */
  readonly addKey: Bytes32 | undefined
  /** The epoch it extends, whose add key is the one above; zeros in a fresh one. */
  readonly parent: Bytes32
  /** Guarded clock, Unix ms. */
  readonly keptAtMs: number
  /** When an epoch above it was kept, guarded clock, Unix ms; 0: none was. */
  readonly supersededAtMs: number
  /** When a fresh epoch above it was kept; 0: none was. */
  readonly freshAboveAtMs: number
}

/** Always 302 bytes; the secrets in it are the caller's to seal. */
export function encodeEpoch(epoch: EpochRecord): Uint8Array<ArrayBuffer> {
  const flags =
    (epoch.fresh ? FRESH : 0) | (epoch.secret ? HAS_SECRET : 0) | (epoch.addKey ? HAS_ADD_KEY : 0)
  return concat(
    Uint8Array.of(VERSION, flags),
    epoch.group,
    epoch.opId,
    epoch.lineage,
    epoch.parent,
    epoch.headerKey,
    epoch.recipientsHash,
    epoch.secret ?? ZEROS32,
    epoch.addKey ?? ZEROS32,
    epoch.tag,
    u16(epoch.recipientCount),
    u16(epoch.ownIndex),
    u64(epoch.lamport),
    u64(epoch.keptAtMs),
    u64(epoch.supersededAtMs),
    u64(epoch.freshAboveAtMs),
  )
}

/**
 * Fields are views of one copy: an epoch is read with every message. Throws ERR_WIRE_MALFORMED for
 * anything {@link encodeEpoch} does not write.
 */
export function decodeEpoch(stored: Uint8Array): EpochRecord {
  expectLength(stored, EPOCH_BYTES, 'epoch record')
  const bytes = copy(stored)
  if (bytes[0] !== VERSION) malformed('epoch record: unknown version')
  const flags = bytes[1] ?? 0
  const view = new DataView(bytes.buffer)
  const field = (i: number): Bytes32 => bytes.subarray(2 + 32 * i, 34 + 32 * i)
  const number = (at: number): number => view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4)
  return {
    fresh: (flags & FRESH) !== 0,
    group: field(0),
    opId: field(1),
    lineage: field(2),
    parent: field(3),
    headerKey: field(4),
    recipientsHash: field(5),
    secret: (flags & HAS_SECRET) === 0 ? undefined : field(6),
    addKey: (flags & HAS_ADD_KEY) === 0 ? undefined : field(7),
    tag: bytes.subarray(258, 266),
    recipientCount: view.getUint16(266),
    ownIndex: view.getUint16(268),
    lamport: number(270),
    keptAtMs: number(278),
    supersededAtMs: number(286),
    freshAboveAtMs: number(294),
  }
}

/** One device's sender chain, with the device it is of. */
export interface ChainRecord extends GroupChain {
  readonly device: Bytes32
}

/** Bit of the count that says that the chain has no key any more. */
const CHAIN_AT_END = 0x8000

/** Always 69 bytes: version 1, DK 32, CK 32 (zeros at its end), count 2, outstanding 2. */
export function encodeChain(chain: ChainRecord): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(CHAIN_BYTES)
  const view = new DataView(out.buffer)
  out[0] = VERSION
  out.set(chain.device, 1)
  if (chain.chainKey) out.set(chain.chainKey, 33)
  view.setUint16(65, chain.chainKey === undefined ? chain.count | CHAIN_AT_END : chain.count)
  view.setUint16(67, chain.outstanding)
  return out
}

/** Throws ERR_WIRE_MALFORMED. */
export function decodeChain(stored: Uint8Array): ChainRecord {
  expectLength(stored, CHAIN_BYTES, 'chain record')
  const bytes = copy(stored)
  if (bytes[0] !== VERSION) malformed('chain record: unknown version')
  const view = new DataView(bytes.buffer)
  const count = view.getUint16(65)
  return {
    device: bytes.subarray(1, 33),
    chainKey: (count & CHAIN_AT_END) === 0 ? bytes.subarray(33, 65) : undefined,
    count: count & ~CHAIN_AT_END,
    outstanding: view.getUint16(67),
  }
}

/** A seed kept for a message that was passed. */
export interface SkippedRecord {
  readonly devIdx: number
  readonly ctr: number
  readonly seed: Bytes32
}

/** devIdx u16 ‖ ctr u32 ‖ ms: 38 bytes. */
export function encodeSkipped({ devIdx, ctr, seed }: SkippedRecord): Uint8Array<ArrayBuffer> {
  return concat(u16(devIdx), u32(ctr), seed)
}

/** Throws ERR_WIRE_MALFORMED. */
export function decodeSkipped(bytes: Uint8Array): SkippedRecord {
  expectLength(bytes, 38, 'skipped record')
  return { devIdx: readU16(bytes, 0), ctr: readU32(bytes, 2), seed: bytes.slice(6) }
}
