// The mailboxes of a group's lineages at its relays: where we write, and how far we have read. One row
// per lineage and relay, found again by a start (SPEC.md §21).
import {
  ADDRESSES_MAX,
  type Bytes16,
  type Bytes32,
  type Bytes8,
  concat,
  encodeText,
  readAddress,
} from '../../crypto/index.ts'
import { encodeRecord, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get, range } from '../step.ts'

export interface BoxCursor {
  readonly incarnation: Bytes8
  readonly seq: number
  readonly chain: Bytes32
}

export interface GroupBox {
  readonly gid: Bytes32
  /** The fresh operation of its lineage. */
  readonly lineage: Bytes32
  readonly serviceKey: Bytes32
  readonly addresses: readonly string[]
  readonly mailboxId: Bytes16
  /** Whether we write into it: false where the relay is the group's no more, or a newer lineage is. */
  readonly writes: boolean
  /** Whether we made the lineage: then we open the mailbox at once, others give us a while. */
  readonly ours: boolean
  readonly cursor: BoxCursor | undefined
  /** When it was last read to its head, guarded clock; 0: never. */
  readonly drainedAtMs: number
  /** Since when nothing is written into it by us, guarded clock; 0: it is. */
  readonly closedAtMs: number
}

type BoxKey = Pick<GroupBox, 'gid' | 'lineage' | 'serviceKey'>

const boxes: Table<BoxKey, GroupBox> = {
  name: 'group-boxes',
  sealing: 'value',
  rows: 'few',
  place: ({ gid, lineage, serviceKey }) => ({ owner: gid, order: concat(lineage, serviceKey) }),
  encode: (box) =>
    encodeRecord([
      box.gid,
      box.lineage,
      box.serviceKey,
      box.addresses.map(encodeText),
      box.mailboxId,
      (box.writes ? 1 : 0) + (box.ours ? 2 : 0),
      box.cursor === undefined ? [] : [box.cursor.incarnation, box.cursor.seq, box.cursor.chain],
      box.drainedAtMs,
      box.closedAtMs,
    ]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'group box')
    const gid = fields.bytes('gid', 32)
    const lineage = fields.bytes('lineage', 32)
    const serviceKey = fields.bytes('serviceKey', 32)
    const addresses = fields.array('addresses', 0, ADDRESSES_MAX).map(readAddress)
    const mailboxId = fields.bytes('mailboxId', 16)
    const flags = fields.uint('flags', 3)
    return {
      gid,
      lineage,
      serviceKey,
      addresses,
      mailboxId,
      writes: (flags & 1) !== 0,
      ours: (flags & 2) !== 0,
      cursor: decodeCursor(fields.nested('cursor')),
      drainedAtMs: fields.uint('drainedAt'),
      closedAtMs: fields.uint('closedAt'),
    }
  },
}

function decodeCursor(fields: ReturnType<typeof readRecord>): BoxCursor | undefined {
  if (fields.left === 0) return undefined
  return {
    incarnation: fields.bytes('incarnation', 8),
    seq: fields.uint('seq'),
    chain: fields.bytes('chain', 32),
  }
}

/** Boxes of one group: its lineages' at each of its relays. */
const BOXES_MAX = 1_024

export function* boxesOf(gid: Bytes32): Step<readonly GroupBox[]> {
  return (yield* range(boxes, { owner: gid, limit: BOXES_MAX })).map(({ value }) => value)
}

export function* boxAt(key: BoxKey): Step<GroupBox | undefined> {
  return yield* get(boxes, key)
}

export function putBox(turn: Turn, box: GroupBox): void {
  turn.put(boxes, box, box)
}

export function dropBox(turn: Turn, box: GroupBox): void {
  turn.remove(boxes, box)
}
