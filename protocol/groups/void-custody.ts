// A mailbox of a group shows another incarnation than the one that was read (SPEC.md §14.8, §21.6): the
// relay lost its store. What it signed for before is void; what of it we wrote goes out again, in the
// epoch it was written for, so that nobody reads it who could not before.
import { type Bytes32, type Bytes8, concat, EMPTY, equalBytes, u64 } from '../../crypto/index.ts'
import { addGroupEvidence, evidence } from '../delivery/evidence.ts'
import { scoreDown } from '../delivery/relay-score.ts'
import { epochs } from '../epochs/epoch-tables.ts'
import { CUSTODY_DOUBT_MS } from '../limits.ts'
import { REDEPOSITED_MAX, RESPREAD_OPS_MAX } from '../group-limits.ts'
import { authorFrontier, firstAt } from '../log/frontier.ts'
import { heldEntry } from '../log/working.ts'
import { encodeRecord, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get, range } from '../step.ts'
import type { GroupBox } from './boxes.ts'
import { type Sendable, carryEntry, sendableEpoch } from './carry.ts'
import { isMeantFor } from './fall-back.ts'
import { type GroupItem, groupItems, hasGroupRoom, putGroupItem } from './group-outbox.ts'
import { type Membership, membershipOf } from './membership.ts'
import { spread } from './operate.ts'

type BoxKey = Pick<GroupBox, 'gid' | 'lineage' | 'serviceKey'>

/** When a mailbox last showed another incarnation, guarded clock. */
const restarts: Table<BoxKey, number> = {
  name: 'group-box-restarts',
  sealing: 'value',
  place: ({ gid, lineage, serviceKey }) => ({
    owner: concat(gid, lineage, serviceKey),
    order: EMPTY,
  }),
  encode: (atMs) => encodeRecord([atMs]),
  decode: (bytes) => readRecord(bytes, 'box restart').uint('at'),
}

interface LostEntry {
  readonly entry: Bytes32
  readonly n: number
}

/** Own entries that go out again. */
const lost: Table<{ gid: Bytes32; n: number }, LostEntry> = {
  name: 'group-again',
  sealing: 'value',
  rows: 'few',
  place: ({ gid, n }) => ({ owner: gid, order: u64(n) }),
  encode: ({ entry, n }) => encodeRecord([entry, n]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'lost entry')
    return { entry: fields.bytes('entry', 32), n: fields.uint('n') }
  },
}

const SCAN_ITEMS = 128

/** Voids what a mailbox signed for under `before`, and has it deposited again. */
export function* voidGroupCustody(turn: Turn, key: BoxKey, before: Bytes8): Step<void> {
  const { gid, serviceKey } = key
  const lastMs = yield* get(restarts, key)
  turn.put(restarts, key, turn.safeNowMs)
  // A relay that shows another one with every look would have us deposit for ever.
  const hasty = lastMs !== undefined && turn.safeNowMs - lastMs < CUSTODY_DOUBT_MS
  if (hasty) yield* scoreDown(turn, serviceKey, undefined)
  const isVoid = (one: { readonly serviceKey: Bytes32; readonly incarnation: Bytes8 }): boolean =>
    equalBytes(one.serviceKey, serviceKey) && equalBytes(one.incarnation, before)
  for (let from: number | undefined = 0; from !== undefined;) {
    const items: readonly GroupItem[] = yield* groupItems(gid, from, SCAN_ITEMS)
    for (const item of items) {
      if (hasty || !item.deposits.some(isVoid)) continue
      putGroupItem(turn, { ...item, deposits: item.deposits.filter((one) => !isVoid(one)) })
    }
    const last = items.at(-1)
    from = last === undefined || items.length < SCAN_ITEMS ? undefined : last.sequence + 1
  }
  const headN = (yield* authorFrontier(turn, gid, turn.self.device))?.headN ?? 0
  for (let n = headN; n > Math.max(0, headN - REDEPOSITED_MAX); n--) {
    const ref = yield* firstAt(gid, turn.self.device, n)
    const custody = ref && (yield* get(evidence, ref.id))?.group?.custody
    if (ref === undefined || custody?.some((one) => !one.void && isVoid(one)) !== true) continue
    yield* addGroupEvidence(turn, ref.id, (row) => ({
      ...row,
      custody: row.custody.map((one) => (isVoid(one) ? { ...one, void: true } : one)),
    }))
    if (!hasty) turn.put(lost, { gid, n }, { entry: ref.id, n })
  }
  if (!hasty) yield* spreadOwnAgain(turn, gid)
  turn.effect({ kind: 'group', gid })
}

/** Of operations no custody is kept: the newest of ours go out again. */
function* spreadOwnAgain(turn: Turn, gid: Bytes32): Step<void> {
  const members = yield* membershipOf(turn, gid)
  if (members === undefined) return
  const own = members.dag.history.nodes
    .map(({ op }) => op)
    .filter(({ device }) => equalBytes(device, turn.self.device))
    .toSorted((a, b) => b.seq - a.seq)
  for (const op of own.slice(0, RESPREAD_OPS_MAX).toReversed()) yield* spread(turn, members, op)
}

/** Entries encrypted again in one turn. */
const AGAIN_MAX = 64

/** Encrypts again what a relay lost; whether there is more. */
export function* carryAgain(turn: Turn, members: Membership): Step<boolean> {
  const { gid } = members
  const rows = (yield* range(lost, { owner: gid, limit: AGAIN_MAX })).map(({ value }) => value)
  for (const { entry, n } of rows) {
    if (!(yield* hasGroupRoom(gid))) return false
    turn.remove(lost, { gid, n })
    const target = yield* epochFor(turn, members, entry)
    // Without one, members bring it who have it (§21.8).
    if (target !== undefined) yield* carryEntry(turn, members, target, entry, n)
  }
  return rows.length === AGAIN_MAX
}

/** The epoch an entry was written for, or the one of now if all of it may read the entry. */
function* epochFor(turn: Turn, members: Membership, id: Bytes32): Step<Sendable | undefined> {
  const { gid, dag } = members
  const op = (yield* heldEntry(id))?.header.op
  if (op === undefined) return undefined
  if ((yield* get(epochs, { group: gid, opId: op })) !== undefined) return { opId: op, missing: [] }
  const target = yield* sendableEpoch(turn, members)
  if (target === undefined) return undefined
  for (const number of dag.history.find(target.opId)?.recipients ?? []) {
    if (!(yield* isMeantFor(members, id, dag.history.devices.key(number)))) return undefined
  }
  return { opId: target.opId, missing: [] }
}
