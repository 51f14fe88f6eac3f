// What a group's relays said (SPEC.md §21): custody of what we deposited, and pages of what others
// did, each in one batch with what it proves.
import {
  type Bytes32,
  type Bytes8,
  envelopeId,
  equalBytes,
  groupCapId,
} from '../../crypto/index.ts'
import type { Bytes16 } from '../../crypto/index.ts'
import { addGroupEvidence } from '../delivery/evidence.ts'
import { lineages } from '../epochs/epoch-tables.ts'
import { CUSTODY_PER_DEVICE_MAX } from '../limits.ts'
import { ABSENCE_MS, DRAINED_NOTED_MS, GROUP_CARRIAGE_MS } from '../group-limits.ts'
import type { RelayItem } from '../relay/item.ts'
import { type Step, type Turn, get } from '../step.ts'
import { type BoxCursor, type GroupBox, boxAt, boxesOf, putBox } from './boxes.ts'
import {
  type GroupItem,
  dropGroupItem,
  groupItem,
  groupItems,
  holdsItem,
  putGroupItem,
} from './group-outbox.ts'
import { type Taken, takeGroupMessage } from './receive.ts'
import { wantsCompare } from './sync-group.ts'
import { voidGroupCustody } from './void-custody.ts'

/** A copy for one mailbox of the item's lineage. */
export interface GroupCopy {
  readonly sequence: number
  readonly innerId: Bytes32
  readonly envId: Bytes32
  readonly message: Uint8Array
  /** This device's pseudonym in the lineage. */
  readonly capId: Bytes8
  readonly coalesce: Bytes16 | undefined
}

type BoxKey = Pick<GroupBox, 'gid' | 'lineage' | 'serviceKey'>

const SCAN_ITEMS = 128

export interface GroupCopies {
  readonly copies: readonly GroupCopy[]
  /** Where to go on; undefined: there is nothing behind these. */
  readonly next: number | undefined
}

/** What a mailbox is still owed, oldest first, from a sequence on. */
export function* groupCopies(turn: Turn, key: BoxKey, from: number): Step<GroupCopies> {
  const box = yield* boxAt(key)
  const lineage = yield* get(lineages, { group: key.gid, opId: key.lineage })
  if (box?.writes !== true || lineage === undefined) return { copies: [], next: undefined }
  const items = yield* groupItems(key.gid, from, SCAN_ITEMS)
  const capId = groupCapId(turn.crypto, lineage.tagKey, turn.self.device)
  const copies = items.flatMap((item): readonly GroupCopy[] => {
    if (!equalBytes(item.lineage, key.lineage) || holdsItem(item, key.serviceKey)) return []
    const { sequence, innerId, message, coalesce } = item
    const envId = envelopeId(turn.crypto, innerId, box.mailboxId)
    return [{ sequence, innerId, envId, message, capId, coalesce }]
  })
  const last = items.at(-1)
  const isEnd = last === undefined || items.length < SCAN_ITEMS
  return { copies, next: isEnd ? undefined : last.sequence + 1 }
}

/** A relay's verified word that it holds an item. */
export function* noteGroupCustody(
  turn: Turn,
  key: BoxKey & { readonly sequence: number; readonly innerId: Bytes32 },
  custody: { readonly incarnation: Bytes8; readonly holdUntilS: number },
): Step<void> {
  const { gid, serviceKey } = key
  const { incarnation, holdUntilS } = custody
  const item = yield* groupItem(gid, key.sequence)
  if (item === undefined || !equalBytes(item.innerId, key.innerId)) return
  const others = item.deposits.filter((one) => !equalBytes(one.serviceKey, serviceKey))
  const deposits = [...others, { serviceKey, incarnation, atMs: turn.safeNowMs }]
  const next = { ...item, deposits }
  if (item.content.kind === 'entry') {
    yield* addGroupEvidence(turn, item.content.entry, (before) => ({
      ...before,
      closed: '',
      custody: [
        ...before.custody.filter((one) => !equalBytes(one.serviceKey, serviceKey)),
        { serviceKey, incarnation, holdUntilS, atMs: turn.nowMs, void: false },
      ].slice(-CUSTODY_PER_DEVICE_MAX),
    }))
  }
  if (yield* isEverywhere(next)) yield* dropGroupItem(turn, next)
  else putGroupItem(turn, next)
}

/** Whether every relay that the group is written at holds it. */
function* isEverywhere(item: GroupItem): Step<boolean> {
  const boxes = (yield* boxesOf(item.gid)).filter(
    (box) => box.writes && equalBytes(box.lineage, item.lineage),
  )
  return boxes.length > 0 && boxes.every(({ serviceKey }) => holdsItem(item, serviceKey))
}

/** Takes an item of a mailbox. */
export function* takeGroupItem(
  turn: Turn,
  { gid, serviceKey }: BoxKey,
  { env, capId }: Pick<RelayItem, 'env' | 'capId'>,
): Step<Taken> {
  // A stub: its writer replaced it.
  if (env.length === 0) return 'known'
  // The writer's pseudonym; a relay that names none is taken for the writer.
  return yield* takeGroupMessage(turn, env, { gid, source: capId ?? serviceKey })
}

/** Notes how far a mailbox was read, once all that was read is durable. */
export function* noteGroupRead(
  turn: Turn,
  key: BoxKey,
  cursor: BoxCursor,
  isNew: boolean,
): Step<void> {
  const box = yield* boxAt(key)
  if (box === undefined) return
  const isOtherQueue = yield* noticeRestart(turn, box, cursor)
  // Of copies alone nothing is written: whoever reads them again knows them again.
  if (isOtherQueue || isNew) putBox(turn, { ...box, cursor })
}

/** Whether it is another queue than the one that was read, or the first: a relay can lose its store. */
function* noticeRestart(turn: Turn, box: GroupBox, { incarnation }: BoxCursor): Step<boolean> {
  const before = box.cursor?.incarnation
  if (before === undefined) return true
  if (equalBytes(before, incarnation)) return false
  yield* voidGroupCustody(turn, box, before)
  return true
}

/** A mailbox was read to its head: noted once in a while, since one that is followed is at its head. */
export function* noteGroupDrained(turn: Turn, key: BoxKey, cursor: BoxCursor): Step<void> {
  const box = yield* boxAt(key)
  if (box === undefined) return
  // Away for long: what the relays dropped, or never had, somebody else may hold.
  const wasAway = box.drainedAtMs > 0 && turn.safeNowMs - box.drainedAtMs > ABSENCE_MS
  if (wasAway) yield* wantsCompare(turn, key.gid)
  const isOtherQueue = yield* noticeRestart(turn, box, cursor)
  if (!isOtherQueue && turn.safeNowMs - box.drainedAtMs < DRAINED_NOTED_MS) return
  putBox(turn, { ...box, cursor, drainedAtMs: turn.safeNowMs })
}

/** Carriage of what no relay took for as long as one would keep it stops; the entry stays. */
export function* expireGroupItems(turn: Turn, gid: Bytes32): Step<void> {
  for (const item of yield* groupItems(gid, 0, SCAN_ITEMS)) {
    if (turn.safeNowMs - item.madeAtMs < GROUP_CARRIAGE_MS) return
    yield* dropGroupItem(turn, item)
    if (item.content.kind !== 'entry') continue
    yield* addGroupEvidence(turn, item.content.entry, (before) => ({
      ...before,
      closed: 'expired',
    }))
  }
}
