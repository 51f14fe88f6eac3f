// What a group's keys are kept in (SPEC.md §20.7). One row for each chain and each skipped seed; the
// recipients in pages, read only where a chain is made or a missing device is looked for.
import {
  type Bytes8,
  type Bytes32,
  EMPTY,
  FieldReader,
  type LineageKeys,
  concat,
  decodeCbor,
  encodeCbor,
  expectLength,
  malformed,
  readU16,
  u16,
  u32,
} from '../../crypto/index.ts'
import { RECIPIENTS_PAGE_DEVICES } from '../group-limits.ts'
import type { Table } from '../step.ts'
import {
  type ChainRecord,
  type EpochRecord,
  type SkippedRecord,
  decodeChain,
  decodeEpoch,
  decodeSkipped,
  encodeChain,
  encodeEpoch,
  encodeSkipped,
} from './epoch-record.ts'

export interface EpochKey {
  readonly group: Bytes32
  readonly opId: Bytes32
}

/** By group and operation. */
export const epochs: Table<EpochKey, EpochRecord> = {
  name: 'group-epochs',
  sealing: 'state',
  rows: 'few',
  place: ({ group, opId }) => ({ owner: group, order: opId }),
  encode: encodeEpoch,
  decode: decodeEpoch,
}

/** devIdx within the epoch of an operation. */
export interface ChainKey {
  readonly opId: Bytes32
  readonly devIdx: number
}

export const chains: Table<ChainKey, ChainRecord> = {
  name: 'group-chains',
  sealing: 'state',
  place: ({ opId, devIdx }) => ({ owner: opId, order: u16(devIdx) }),
  encode: encodeChain,
  decode: decodeChain,
}

export const groupSkipped: Table<ChainKey & { readonly ctr: number }, SkippedRecord> = {
  name: 'group-skipped',
  sealing: 'state',
  place: ({ opId, devIdx, ctr }) => ({ owner: opId, order: concat(u16(devIdx), u32(ctr)) }),
  encode: encodeSkipped,
  decode: decodeSkipped,
}

/** Recipients of an epoch, ascending, in pages of 64: where no row above says who came to another. */
export const recipientPages: Table<
  { readonly opId: Bytes32; readonly page: number },
  readonly Bytes32[]
> = {
  name: 'group-recipient',
  sealing: 'value',
  place: ({ opId, page }) => ({ owner: opId, order: u16(page) }),
  encode: (devices) => concat(...devices),
  decode: (bytes) => {
    if (bytes.length % 32 !== 0 || bytes.length > 32 * RECIPIENTS_PAGE_DEVICES) {
      malformed('recipients page')
    }
    return Array.from({ length: bytes.length / 32 }, (_, i) => bytes.slice(32 * i, 32 * i + 32))
  },
}

/** Who came to an epoch beside the recipients of the one that it extends, which is held. */
export interface AddedRecipients {
  readonly parent: Bytes32
  /** Recipients of the parent. */
  readonly count: number
  /** How many such rows lie between this epoch and one with pages. */
  readonly length: number
  /** Ascending. */
  readonly added: readonly Bytes32[]
}

export const addedRecipients: Table<Bytes32, AddedRecipients> = {
  name: 'group-added',
  sealing: 'value',
  place: (opId) => ({ owner: opId, order: EMPTY }),
  encode: ({ parent, count, length, added }) => concat(parent, u16(count), u16(length), ...added),
  decode: (bytes) => {
    const rest = bytes.length - 36
    if (rest < 0 || rest % 32 !== 0) malformed('added recipients')
    return {
      parent: bytes.slice(0, 32),
      count: readU16(bytes, 32),
      length: readU16(bytes, 34),
      added: Array.from({ length: rest / 32 }, (_, i) => bytes.slice(36 + 32 * i, 68 + 32 * i)),
    }
  },
}

/** By tag and operation: epochs of different groups may share a tag of 8 bytes. */
export const epochTags: Table<{ readonly tag: Bytes8; readonly opId: Bytes32 }, EpochKey> = {
  name: 'group-tags',
  sealing: 'value',
  rows: 'few',
  place: ({ tag, opId }) => ({ owner: tag, order: opId }),
  encode: encodeEpochKey,
  decode: decodeEpochKey,
}

/** By lineage tag and fresh operation. */
export const lineageTags: Table<{ readonly tag: Bytes8; readonly opId: Bytes32 }, EpochKey> = {
  name: 'group-line-tags',
  sealing: 'value',
  rows: 'few',
  place: ({ tag, opId }) => ({ owner: tag, order: opId }),
  encode: encodeEpochKey,
  decode: decodeEpochKey,
}

function encodeEpochKey({ group, opId }: EpochKey): Uint8Array {
  return concat(group, opId)
}

function decodeEpochKey(bytes: Uint8Array): EpochKey {
  expectLength(bytes, 64, 'epoch key')
  return { group: bytes.slice(0, 32), opId: bytes.slice(32) }
}

/** G and what derives from it: for as long as an epoch of the lineage is kept. */
export interface LineageRecord extends LineageKeys {
  readonly group: Bytes32
  /** The fresh operation that began it. */
  readonly opId: Bytes32
  readonly tag: Bytes8
  /** G: gives the keys of the group's mailboxes, and goes to newcomers. */
  readonly secret: Bytes32
}

export const lineages: Table<EpochKey, LineageRecord> = {
  name: 'group-lineages',
  sealing: 'state',
  rows: 'few',
  place: ({ group, opId }) => ({ owner: group, order: opId }),
  encode: (record) =>
    concat(
      record.group,
      record.opId,
      record.secret,
      record.headerKey,
      record.controlKey,
      record.topicKey,
      record.tagKey,
      record.tag,
    ),
  decode: (bytes) => {
    expectLength(bytes, 232, 'lineage')
    const field = (i: number): Bytes32 => bytes.slice(32 * i, 32 * i + 32)
    return {
      group: field(0),
      opId: field(1),
      secret: field(2),
      headerKey: field(3),
      controlKey: field(4),
      topicKey: field(5),
      tagKey: field(6),
      tag: bytes.slice(224),
    }
  },
}

/** How many skipped seeds a group has stored, in all its epochs. */
export const skippedCounts: Table<Bytes32, number> = {
  name: 'group-skip-count',
  sealing: 'value',
  place: (group) => ({ owner: group, order: EMPTY }),
  encode: (count) => encodeCbor([count]),
  decode: (bytes) => new FieldReader(decodeCbor(bytes, 16), 'skipped count').uint('count'),
}

/** Which control numbers r of a device were seen: the highest, and 64 below it. */
export interface ControlWindow {
  readonly highest: number
  /** Bit i: highest - i was seen; two halves of 32 bits, the lower numbers of i first. */
  readonly seen: readonly [number, number]
}

export const controlWindows: Table<
  { readonly group: Bytes32; readonly device: Bytes32 },
  ControlWindow
> = {
  name: 'group-controls',
  sealing: 'value',
  place: ({ group, device }) => ({ owner: concat(group, device), order: EMPTY }),
  encode: ({ highest, seen }) => encodeCbor([highest, ...seen]),
  decode: (bytes) => {
    const fields = new FieldReader(decodeCbor(bytes, 64), 'control window')
    return {
      highest: fields.uint('highest'),
      seen: [fields.uint('seen', 0xffffffff), fields.uint('seen', 0xffffffff)],
    }
  },
}
