// Where carriage to a device stops and where it is taken up again (SPEC.md §10). An entry whose
// carriage stopped stays in the log and among what the device is not known to have, so that the
// next sign of life from the device offers it again.
import { type Bytes32, EMPTY, concat, equalBytes, readU64, u64 } from '../../crypto/index.ts'
import { RECEIPT_CONVERSATIONS_MAX } from '../limits.ts'
import { encodeRecord, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get, range } from '../step.ts'
import { dropControls, queueControls } from './control.ts'
import { DEVICE_REMOVED, closeEvidence } from './evidence.ts'
import {
  type OutboxContent,
  type OutboxItem,
  dequeue,
  eachItem,
  enqueue,
  hasRoom,
  outbox,
  undelivered,
} from './outbox.ts'

/** Conversations in which something is not carried to a device any more. */
const stopped: Table<Bytes32, readonly Bytes32[]> = {
  name: 'stopped',
  sealing: 'value',
  place: (device) => ({ owner: device, order: EMPTY }),
  encode: (conversations) => encodeRecord([conversations]),
  decode: (bytes) =>
    readRecord(bytes, 'stopped')
      .array('conversations', 0, RECEIPT_CONVERSATIONS_MAX)
      .filter((value) => value instanceof Uint8Array),
}

const PAGE = 512
/** Of no item: sequences begin at 1. */
const NO_SEQUENCE = 0

type EntryContent = Extract<OutboxContent, { kind: 'entry' }>

/** Takes one item out of its outbox, undelivered. */
export function* stopItem(turn: Turn, item: OutboxItem, reason: string): Step<void> {
  const { content, device } = item
  yield* dequeue(turn, item)
  if (content.kind === 'notice' || content.kind === 'join') return
  const before = (yield* get(stopped, device)) ?? []
  if (content.kind === 'control') {
    if (before.length === 0) turn.put(stopped, device, [])
    return
  }
  yield* closeEvidence(turn, content.entry, device, reason)
  yield* noteStopped(turn, device, content.conversation)
}

function* noteStopped(turn: Turn, device: Bytes32, conversation: Bytes32): Step<void> {
  const before = (yield* get(stopped, device)) ?? []
  if (before.some((one) => equalBytes(one, conversation))) return
  turn.put(stopped, device, [...before, conversation].slice(-RECEIPT_CONVERSATIONS_MAX))
}

/** Owes a device an entry for which its outbox has no room: the next sign of life offers it. */
export function* oweLater(
  turn: Turn,
  device: Bytes32,
  { conversation, entry, n }: EntryContent,
): Step<void> {
  turn.put(undelivered, { device, conversation, n }, { entry, sequence: NO_SEQUENCE })
  yield* noteStopped(turn, device, conversation)
}

/** Nothing more goes to a device: its account was blocked or removed. */
export function* stopCarriage(turn: Turn, device: Bytes32, reason: string): Step<void> {
  yield* eachItem(device, (item) => stopItem(turn, item, reason))
}

/** A device showed itself: what stopped is carried again. Most often there is nothing. */
export function* resumeCarriage(turn: Turn, device: Bytes32): Step<void> {
  const conversations = yield* get(stopped, device)
  if (conversations === undefined) return
  turn.remove(stopped, device)
  yield* queueControls(turn, device)
  for (const conversation of conversations) yield* offerAgain(turn, device, conversation)
}

/** Puts every entry that the device is not known to have, and that nobody carries, into its outbox. */
export function* offerAgain(turn: Turn, device: Bytes32, conversation: Bytes32): Step<void> {
  const owner = concat(device, conversation)
  for (let next = 1; ;) {
    const rows = yield* range(undelivered, { owner, from: u64(next), limit: PAGE })
    for (const { order, value } of rows) {
      const n = readU64(order, 0)
      next = n + 1
      if ((yield* get(outbox, { device, sequence: value.sequence })) !== undefined) continue
      // What does not fit now is offered at the next sign of life.
      if (!(yield* hasRoom(device))) return yield* noteStopped(turn, device, conversation)
      yield* enqueue(turn, device, { kind: 'entry', conversation, entry: value.entry, n })
      yield* closeEvidence(turn, value.entry, device, '')
    }
    if (rows.length < PAGE) return
  }
}

/** A device left its account's list: nothing is owed to it any more. */
export function* forgetDevice(turn: Turn, device: Bytes32, conversation: Bytes32): Step<void> {
  yield* eachItem(device, (item) => dequeue(turn, item))
  turn.remove(stopped, device)
  yield* dropControls(turn, device)
  for (;;) {
    const owner = concat(device, conversation)
    const rows = yield* range(undelivered, { owner, limit: PAGE })
    for (const { order, value } of rows) {
      turn.remove(undelivered, { device, conversation, n: readU64(order, 0) })
      yield* closeEvidence(turn, value.entry, device, DEVICE_REMOVED)
    }
    if (rows.length < PAGE) return
  }
}
