// Frames 0x1083, group-frontier, and 0x1084, frontier-request (SPEC.md §20.5): what a device holds of
// a group's log, and the question for it.
//
// [1, r, opId, ownN, [[devIdx, n]] changed, [[devIdx, readN]], [[relay, incarnation8, seq, chain8]] <=3, [head opId] <=4]
// [1, r, DK, n]
import {
  type Bytes8,
  type Bytes32,
  type CborValue,
  EPOCH_RECIPIENTS_MAX,
  FieldReader,
  malformed,
} from '../../crypto/index.ts'
import { LAMPORT_MAX } from '../limits.ts'
import { CARRIAGE_RELAYS_MAX, FRONTIER_OP_HEADS_MAX } from '../group-limits.ts'
import { type ControlKind, controlKind } from './group-control.ts'

/** A count of one recipient of the epoch that the frontier names. */
export interface IndexedCount {
  readonly devIdx: number
  readonly n: number
}

/** Where a device stands in a group's mailbox at one relay. */
export interface CarriagePosition {
  /** Rank of the relay in the carriage operation, 0 to 2. */
  readonly relay: number
  readonly incarnation: Bytes8
  readonly seq: number
  readonly chain: Bytes8
}

export interface GroupFrontier {
  /** The operation whose recipients the indexes rank. */
  readonly opId: Bytes32
  /** The signer's own last n. */
  readonly ownN: number
  /** Contiguous n held, ascending by device: of all, or in a large group of those that changed. */
  readonly held: readonly IndexedCount[]
  /** Up to where entries were seen by the user. */
  readonly read: readonly IndexedCount[]
  readonly carriage: readonly CarriagePosition[]
  /** Heads of the operations held. */
  readonly heads: readonly Bytes32[]
}

function writeCounts(counts: readonly IndexedCount[]): CborValue {
  return counts.map(({ devIdx, n }) => [devIdx, n])
}

function readCounts(fields: FieldReader, name: string): readonly IndexedCount[] {
  let last = -1
  return fields.array(name, 0, EPOCH_RECIPIENTS_MAX).map((value) => {
    const row = new FieldReader(value, name)
    const count = {
      devIdx: row.uint('devIdx', EPOCH_RECIPIENTS_MAX - 1),
      n: row.uint('n', LAMPORT_MAX),
    }
    row.end()
    if (count.devIdx <= last) malformed(`${name}: not ascending`)
    last = count.devIdx
    return count
  })
}

function readPosition(value: CborValue): CarriagePosition {
  const row = new FieldReader(value, 'carriage position')
  const position = {
    relay: row.uint('relay', CARRIAGE_RELAYS_MAX - 1),
    incarnation: row.bytes('incarnation', 8),
    seq: row.uint('seq'),
    chain: row.bytes('chain', 8),
  }
  row.end()
  return position
}

function readHead(value: CborValue): Bytes32 {
  if (!(value instanceof Uint8Array) || value.length !== 32) malformed('group-frontier: head')
  return value
}

export const groupFrontierFrame: ControlKind<GroupFrontier> = controlKind({
  kind: 0x1083,
  name: 'group-frontier',
  write: ({ opId, ownN, held, read, carriage, heads }) => [
    opId,
    ownN,
    writeCounts(held),
    writeCounts(read),
    carriage.map(({ relay, incarnation, seq, chain }) => [relay, incarnation, seq, chain]),
    [...heads],
  ],
  read: (fields) => ({
    opId: fields.bytes('opId', 32),
    ownN: fields.uint('ownN', LAMPORT_MAX),
    held: readCounts(fields, 'held'),
    read: readCounts(fields, 'read'),
    carriage: fields.array('carriage', 0, CARRIAGE_RELAYS_MAX).map(readPosition),
    heads: fields.array('heads', 0, FRONTIER_OP_HEADS_MAX).map(readHead),
  }),
})

/** Asks all for what they hold of one author from n on. */
export interface FrontierRequest {
  readonly author: Bytes32
  readonly n: number
}

export const frontierRequestFrame: ControlKind<FrontierRequest> = controlKind({
  kind: 0x1084,
  name: 'frontier-request',
  write: ({ author, n }) => [author, n],
  read: (fields) => ({ author: fields.bytes('author', 32), n: fields.uint('n', LAMPORT_MAX) }),
})
