// The outbox: first in, first out per recipient device, with the inner ciphertext that a retry
// sends again. An item stays until the device has it, not until a relay does (SPEC.md §10).
import {
  type Bytes16,
  type Bytes32,
  type Bytes8,
  EMPTY,
  concat,
  equalBytes,
  u64,
} from '../../crypto/index.ts'
import { type DeviceSet, deviceSet } from '../device-set.ts'
import { DEPOSITS_PER_ITEM_MAX, OUTBOX_MAX } from '../limits.ts'
import { ProtocolError } from '../errors.ts'
import { encodeRecord, orEmpty, readList, readRecord } from '../record.ts'
import { type Row, type Step, type Table, type Turn, get, range } from '../step.ts'

/**
 * entry: of a log, read from there when it is encrypted. control: a numbered frame, kept in
 * control.ts. notice: unnumbered frames (receipt, reset, intro), healed by repetition, so the item
 * leaves at the first answer or custody; with an intro or a reset only when the device was heard.
 */
export type OutboxContent =
  | {
      readonly kind: 'entry'
      readonly conversation: Bytes32
      readonly entry: Bytes32
      readonly n: number
    }
  | { readonly kind: 'control'; readonly c: number }
  | { readonly kind: 'notice'; readonly frames: Uint8Array; readonly untilHeard: boolean }
  /** Asks to join the group of this number: an intro that stays until the join is answered. */
  | { readonly kind: 'join'; readonly group: number }

/** The encrypted form: the same bytes at every attempt within one session. */
export interface OutboxMessage {
  readonly sid: Bytes16
  readonly inner: Uint8Array
  readonly innerId: Bytes32
  readonly encryptedAtMs: number
}

/** One mailbox's copy. */
export interface Deposit {
  readonly serviceKey: Bytes32
  readonly mailboxId: Bytes16
  /** As the relay showed it with its custody; undefined: sealed for it, nothing was signed yet. */
  readonly incarnation: Bytes8 | undefined
  /** Custody was verified; the copy is not sent there again. */
  readonly holds: boolean
  /** When custody was verified, guarded clock; 0: never. */
  readonly atMs: number
  /** When a receipt first lacked what this relay signed for, guarded clock; 0: never. */
  readonly doubtedAtMs: number
}

export interface OutboxItem {
  readonly device: Bytes32
  readonly sequence: number
  readonly content: OutboxContent
  readonly message: OutboxMessage | undefined
  readonly deposits: readonly Deposit[]
  /** The device took it but cannot show it yet (held, quarantined, in requests): no direct retry. */
  readonly heldThere: boolean
}

export const outbox: Table<{ device: Bytes32; sequence: number }, OutboxItem> = {
  name: 'outbox',
  sealing: 'state',
  rows: 'few',
  place: ({ device, sequence }) => ({ owner: device, order: u64(sequence) }),
  encode: (item) => {
    const { content, message } = item
    return encodeRecord([
      item.device,
      item.sequence,
      content.kind === 'entry'
        ? [0, content.conversation, content.entry, content.n]
        : content.kind === 'control'
          ? [1, content.c]
          : content.kind === 'notice'
            ? [2, content.frames, content.untilHeard ? 1 : 0]
            : [3, content.group],
      message === undefined
        ? []
        : [message.sid, message.inner, message.innerId, message.encryptedAtMs],
      item.deposits.map((one) => [
        one.serviceKey,
        one.mailboxId,
        orEmpty(one.incarnation),
        one.holds ? 1 : 0,
        one.atMs,
        one.doubtedAtMs,
      ]),
      item.heldThere ? 1 : 0,
    ])
  },
  decode: (bytes) => {
    const fields = readRecord(bytes, 'outbox item')
    return {
      device: fields.bytes('device', 32),
      sequence: fields.uint('sequence'),
      content: decodeContent(fields.nested('content')),
      message: decodeMessage(fields.nested('message')),
      deposits: readList(fields, 'deposits', DEPOSITS_PER_ITEM_MAX, (one) => ({
        serviceKey: one.bytes('serviceKey', 32),
        mailboxId: one.bytes('mailboxId', 16),
        incarnation: one.optional('incarnation', 8),
        holds: one.flag('holds'),
        atMs: one.uint('at'),
        doubtedAtMs: one.uint('doubtedAt'),
      })),
      heldThere: fields.flag('heldThere'),
    }
  },
}

type Fields = ReturnType<typeof readRecord>

function decodeContent(fields: Fields): OutboxContent {
  switch (fields.uint('kind', 3)) {
    case 0: {
      const conversation = fields.bytes('conversation', 32)
      return { kind: 'entry', conversation, entry: fields.bytes('entry', 32), n: fields.uint('n') }
    }
    case 1:
      return { kind: 'control', c: fields.uint('c') }
    case 3:
      return { kind: 'join', group: fields.uint('group') }
    default:
      return {
        kind: 'notice',
        frames: fields.bytes('frames', 0, 65_535),
        untilHeard: fields.flag('untilHeard'),
      }
  }
}

function decodeMessage(fields: Fields): OutboxMessage | undefined {
  if (fields.left === 0) return undefined
  return {
    sid: fields.bytes('sid', 16),
    inner: fields.bytes('inner', 1, 65_536),
    innerId: fields.bytes('innerId', 32),
    encryptedAtMs: fields.uint('encryptedAt'),
  }
}

/** Where a device's outbox stands. */
export interface OutboxHead {
  readonly next: number
  readonly items: number
  /** The last sequence that is encrypted; later ones are not. */
  readonly prepared: number
}

const heads: Table<Bytes32, OutboxHead> = {
  name: 'outbox-heads',
  sealing: 'value',
  place: (device) => ({ owner: device, order: EMPTY }),
  encode: (head) => encodeRecord([head.next, head.items, head.prepared]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'outbox head')
    return {
      next: fields.uint('next'),
      items: fields.uint('items'),
      prepared: fields.uint('prepared'),
    }
  },
}

/** Devices that something waits for, so that a start finds them. */
export const waitingDevices: DeviceSet = deviceSet('waiting')

const NO_HEAD: OutboxHead = { next: 1, items: 0, prepared: 0 }

/** Where a device's outbox stands. */
export function* outboxHead(device: Bytes32): Step<OutboxHead> {
  return (yield* get(heads, device)) ?? NO_HEAD
}

/** Remembers how far a device's items are encrypted. */
export function putPrepared(turn: Turn, device: Bytes32, head: OutboxHead, prepared: number): void {
  turn.put(heads, device, { ...head, prepared })
}

/** Sealed copies, by inner id and mailbox: a retry at the same mailbox sends the same bytes. */
export const sealedCopies: Table<{ innerId: Bytes32; mailboxId: Bytes16 }, Uint8Array> = {
  name: 'sealed',
  sealing: 'value',
  place: ({ innerId, mailboxId }) => ({ owner: EMPTY, order: concat(innerId, mailboxId) }),
  encode: (envelope) => encodeRecord([envelope]),
  decode: (bytes) => readRecord(bytes, 'sealed copy').bytes('envelope', 1, 65_536),
}

/** Drops the sealed copies of an item: every mailbox one was made for is among its deposits. */
export function dropCopies(turn: Turn, { message, deposits }: OutboxItem): void {
  if (message === undefined) return
  for (const { mailboxId } of deposits) {
    turn.remove(sealedCopies, { innerId: message.innerId, mailboxId })
  }
}

/**
 * Puts content at the end of a device's outbox. Throws ERR_PROTOCOL_LIMIT where it is full of
 * entries; what answers a peer is bounded where it arises and always has room, for an arriving
 * message must not fail because much waits to be sent.
 */
export function* enqueue(turn: Turn, device: Bytes32, content: OutboxContent): Step<OutboxItem> {
  const head = yield* outboxHead(device)
  if (content.kind === 'entry' && head.items >= OUTBOX_MAX) {
    throw new ProtocolError('ERR_PROTOCOL_LIMIT', 'too many messages wait for this contact', {
      detail: { reason: 'outbox', max: OUTBOX_MAX },
    })
  }
  const item: OutboxItem = {
    device,
    sequence: head.next,
    content,
    message: undefined,
    deposits: [],
    heldThere: false,
  }
  turn.put(heads, device, { ...head, next: head.next + 1, items: head.items + 1 })
  if (head.items === 0) yield* waitingDevices.add(turn, device)
  turn.put(outbox, { device, sequence: item.sequence }, item)
  if (content.kind === 'entry') {
    turn.put(
      undelivered,
      { device, conversation: content.conversation, n: content.n },
      {
        entry: content.entry,
        sequence: item.sequence,
      },
    )
  }
  turn.effect({ kind: 'outbox', device })
  return item
}

/** Whether one more entry fits a device's outbox. */
export function* hasRoom(device: Bytes32): Step<boolean> {
  return (yield* outboxHead(device)).items < OUTBOX_MAX
}

/** Writes an item back. */
export function putItem(turn: Turn, item: OutboxItem): void {
  turn.put(outbox, { device: item.device, sequence: item.sequence }, item)
}

/** Takes an item out: the device has it, or carriage stopped. */
export function* dequeue(turn: Turn, item: OutboxItem): Step<void> {
  const { device, sequence } = item
  if ((yield* get(outbox, { device, sequence })) === undefined) return
  const head = yield* outboxHead(device)
  const items = Math.max(0, head.items - 1)
  turn.put(heads, device, { ...head, items })
  if (items === 0) yield* waitingDevices.remove(turn, device)
  turn.remove(outbox, { device, sequence })
  dropCopies(turn, item)
}

/** Counts a device's items anew, where records may have been lost. Rights what is wrong. */
export function* recountOutbox(turn: Turn, device: Bytes32): Step<boolean> {
  let items = 0
  let last = 0
  yield* eachItem(device, function* ({ sequence }) {
    items += 1
    last = Math.max(last, sequence)
  })
  const head = yield* outboxHead(device)
  const waits = (yield* waitingDevices.all()).some((one) => equalBytes(one, device))
  if (head.items === items && head.next > last && waits === items > 0) return false
  const next = Math.max(head.next, last + 1)
  turn.put(heads, device, { next, items, prepared: Math.min(head.prepared, next - 1) })
  if (items > 0 && !waits) yield* waitingDevices.add(turn, device)
  if (items === 0 && waits) yield* waitingDevices.remove(turn, device)
  return true
}

const WALK_ROWS = 256

/** Runs a step on every item of a device, oldest first. The step may take the item out. */
export function* eachItem(device: Bytes32, run: (item: OutboxItem) => Step<void>): Step<void> {
  for (let from = 0; ;) {
    const items = yield* outboxItems(device, from, WALK_ROWS)
    for (const item of items) {
      from = item.sequence + 1
      yield* run(item)
    }
    if (items.length < WALK_ROWS) return
  }
}

/** Up to `limit` items of a device from a sequence on, oldest first. */
export function* outboxItems(
  device: Bytes32,
  from: number,
  limit: number,
): Step<readonly OutboxItem[]> {
  const rows: readonly Row<OutboxItem>[] = yield* range(outbox, {
    owner: device,
    from: u64(from),
    limit,
  })
  return rows.map((row) => row.value)
}

/** Items looked at when what waits is counted: beyond it the count is this. */
const COUNT_MAX = 1_000

/** Entries for a device that neither it nor a relay has yet, counted up to a thousand. */
export function* unsentEntries(device: Bytes32): Step<number> {
  const items = yield* outboxItems(device, 0, COUNT_MAX)
  return items.filter(
    ({ content, deposits, heldThere }) =>
      content.kind === 'entry' && !heldThere && !deposits.some((one) => one.holds),
  ).length
}

/** Own entries that a device is not known to have, by number: what a receipt is compared with. */
export const undelivered: Table<
  { device: Bytes32; conversation: Bytes32; n: number },
  { readonly entry: Bytes32; readonly sequence: number }
> = {
  name: 'undelivered',
  sealing: 'value',
  place: ({ device, conversation, n }) => ({ owner: concat(device, conversation), order: u64(n) }),
  encode: (row) => encodeRecord([row.entry, row.sequence]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'undelivered')
    return { entry: fields.bytes('entry', 32), sequence: fields.uint('sequence') }
  },
}

/** What carries an entry to a device; undefined where nothing does. */
export function* entryItem(
  device: Bytes32,
  conversation: Bytes32,
  n: number,
): Step<OutboxItem | undefined> {
  const row = yield* get(undelivered, { device, conversation, n })
  return row === undefined ? undefined : yield* get(outbox, { device, sequence: row.sequence })
}
