// What waits for a group's relays: one ciphertext for all members, a copy for each mailbox of its
// lineage, first in, first out (SPEC.md §21). An item leaves when every relay of the group holds it.
import {
  type Bytes16,
  type Bytes32,
  type Bytes8,
  EMPTY,
  equalBytes,
  u64,
} from '../../crypto/index.ts'
import { lineages } from '../epochs/epoch-tables.ts'
import { topicToPublish } from './gossip-topics.ts'
import { GROUP_OUTBOX_MAX, CARRIAGE_RELAYS_MAX } from '../group-limits.ts'
import { ProtocolError } from '../errors.ts'
import { encodeRecord, orEmpty, readList, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get, range } from '../step.ts'
import { waitingEntries } from './waiting-entries.ts'

/**
 * entry: one of our own; its evidence is written as relays sign. control: a signed object, healed by
 * the next one. ops: operations that members learn of by the group's mailbox.
 */
export type GroupContent =
  | { readonly kind: 'entry'; readonly entry: Bytes32; readonly n: number }
  | { readonly kind: 'control'; readonly frame: number }
  | { readonly kind: 'ops'; readonly ops: readonly Bytes32[] }

export interface GroupDeposit {
  readonly serviceKey: Bytes32
  readonly incarnation: Bytes8
  /** When its custody was verified, guarded clock. */
  readonly atMs: number
}

export interface GroupItem {
  readonly gid: Bytes32
  readonly sequence: number
  readonly content: GroupContent
  /** 0x21 or 0x22, as it goes to mailboxes, gossip and streams. */
  readonly message: Uint8Array
  readonly innerId: Bytes32
  /** The fresh operation whose lineage's mailboxes it goes to. */
  readonly lineage: Bytes32
  /** Takes the place of our earlier row of this key. */
  readonly coalesce: Bytes16 | undefined
  /** Guarded clock. */
  readonly madeAtMs: number
  readonly deposits: readonly GroupDeposit[]
  /** No relay took it for a minute: it went over sessions as well. */
  readonly fellBack: boolean
}

const items: Table<{ gid: Bytes32; sequence: number }, GroupItem> = {
  name: 'group-outbox',
  sealing: 'value',
  rows: 'few',
  place: ({ gid, sequence }) => ({ owner: gid, order: u64(sequence) }),
  encode: (item) =>
    encodeRecord([
      item.gid,
      item.sequence,
      item.content.kind === 'entry'
        ? [0, item.content.entry, item.content.n]
        : item.content.kind === 'control'
          ? [1, item.content.frame]
          : [2, item.content.ops],
      item.message,
      item.innerId,
      item.lineage,
      orEmpty(item.coalesce),
      item.madeAtMs,
      item.deposits.map((one) => [one.serviceKey, one.incarnation, one.atMs]),
      item.fellBack ? 1 : 0,
    ]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'group item')
    return {
      gid: fields.bytes('gid', 32),
      sequence: fields.uint('sequence'),
      content: decodeContent(fields.nested('content')),
      message: fields.bytes('message', 1, 65_536),
      innerId: fields.bytes('innerId', 32),
      lineage: fields.bytes('lineage', 32),
      coalesce: fields.optional('coalesce', 16),
      madeAtMs: fields.uint('madeAt'),
      deposits: readList(fields, 'deposits', CARRIAGE_RELAYS_MAX * 4, (one) => ({
        serviceKey: one.bytes('serviceKey', 32),
        incarnation: one.bytes('incarnation', 8),
        atMs: one.uint('at'),
      })),
      fellBack: fields.flag('fellBack'),
    }
  },
}

function decodeContent(fields: ReturnType<typeof readRecord>): GroupContent {
  switch (fields.uint('kind', 2)) {
    case 0:
      return { kind: 'entry', entry: fields.bytes('entry', 32), n: fields.uint('n') }
    case 1:
      return { kind: 'control', frame: fields.uint('frame', 0xffff) }
    default: {
      const ops = fields.array('ops', 0, 4_096).filter((value) => value instanceof Uint8Array)
      return { kind: 'ops', ops }
    }
  }
}

interface OutboxHead {
  readonly next: number
  readonly items: number
}

const heads: Table<Bytes32, OutboxHead> = {
  name: 'group-out-head',
  sealing: 'value',
  place: (gid) => ({ owner: gid, order: EMPTY }),
  encode: (head) => encodeRecord([head.next, head.items]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'group outbox head')
    return { next: fields.uint('next'), items: fields.uint('items') }
  },
}

/** How many items wait. */
export function* groupOutboxSize(gid: Bytes32): Step<number> {
  return (yield* get(heads, gid))?.items ?? 0
}

/** Whether there is room for an entry, of `more` beside it. */
export function* hasGroupRoom(gid: Bytes32, more = 0): Step<boolean> {
  return (yield* groupOutboxSize(gid)) + more < GROUP_OUTBOX_MAX
}

/** Entries of ours that no relay of the group signed for yet, counted up to a thousand. */
export function* unsentGroupEntries(gid: Bytes32): Step<number> {
  const waiting = yield* waitingEntries(gid, COUNT_MAX)
  const unsent = (yield* groupItems(gid, 0, COUNT_MAX)).filter(
    ({ content, deposits }) => content.kind === 'entry' && deposits.length === 0,
  )
  return waiting.length + unsent.length
}

const COUNT_MAX = 1_000

/** Puts a message at the end. Throws ERR_PROTOCOL_LIMIT where it is full of entries. */
export function* enqueueGroup(
  turn: Turn,
  item: Omit<GroupItem, 'sequence' | 'deposits' | 'madeAtMs' | 'fellBack'>,
): Step<void> {
  const { gid } = item
  const head = (yield* get(heads, gid)) ?? { next: 1, items: 0 }
  if (item.content.kind === 'entry' && head.items >= GROUP_OUTBOX_MAX) {
    throw new ProtocolError('ERR_PROTOCOL_LIMIT', 'too many messages wait for this group', {
      detail: { reason: 'outbox', max: GROUP_OUTBOX_MAX },
    })
  }
  const { coalesce } = item
  if (coalesce !== undefined) yield* dropCoalesced(turn, gid, coalesce)
  const sequence = head.next
  const kept = (yield* get(heads, gid)) ?? head
  turn.put(heads, gid, { next: sequence + 1, items: kept.items + 1 })
  turn.put(
    items,
    { gid, sequence },
    { ...item, sequence, deposits: [], madeAtMs: turn.safeNowMs, fellBack: false },
  )
  // First: who is connected should not wait for what the mailboxes need.
  const keys = yield* get(lineages, { group: gid, opId: item.lineage })
  if (keys !== undefined) {
    const topic = topicToPublish(turn.crypto, keys.topicKey, Math.floor(turn.nowMs / 1000))
    turn.effect({ kind: 'gossip', topic, message: item.message })
  }
  turn.effect({ kind: 'group', gid })
}

/** What the new item takes the place of, and no relay has yet or all of them soon replace. */
function* dropCoalesced(turn: Turn, gid: Bytes32, key: Bytes16): Step<void> {
  for (const item of yield* groupItems(gid, 0, COUNT_MAX)) {
    const same = item.coalesce !== undefined && equalBytes(item.coalesce, key)
    if (same) yield* dropGroupItem(turn, item)
  }
}

/** Up to `limit` items from a sequence on, oldest first. */
export function* groupItems(gid: Bytes32, from: number, limit: number): Step<readonly GroupItem[]> {
  const rows = yield* range(items, { owner: gid, from: u64(from), limit })
  return rows.map(({ value }) => value)
}

export function* groupItem(gid: Bytes32, sequence: number): Step<GroupItem | undefined> {
  return yield* get(items, { gid, sequence })
}

export function putGroupItem(turn: Turn, item: GroupItem): void {
  turn.put(items, { gid: item.gid, sequence: item.sequence }, item)
}

export function* dropGroupItem(turn: Turn, item: GroupItem): Step<void> {
  const { gid, sequence } = item
  if ((yield* get(items, { gid, sequence })) === undefined) return
  const head = (yield* get(heads, gid)) ?? { next: 1, items: 1 }
  turn.put(heads, gid, { ...head, items: Math.max(0, head.items - 1) })
  turn.remove(items, { gid, sequence })
  // Entries may wait for the room.
  if (head.items >= GROUP_OUTBOX_MAX) turn.effect({ kind: 'group', gid })
}

/** Whether a relay signed for an item. */
export function holdsItem(item: GroupItem, serviceKey: Bytes32): boolean {
  return item.deposits.some((one) => equalBytes(one.serviceKey, serviceKey))
}
