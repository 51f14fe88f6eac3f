// A contact's device list changed: a restored account has one new device and none of the old ones
// (SPEC.md §2, §10). What no device of the contact has yet is addressed to the new one, behind a base
// that says where the conversation begins for it; to a device that left nothing is owed.
import { type Bytes32, EMPTY, concat, equalBytes, readU64, toHex, u64 } from '../../crypto/index.ts'
import { baseFrame } from '../content/base.ts'
import { frameOf } from '../content/kind.ts'
import { allGroups } from '../groups/group.ts'
import { CARRIED_PER_DEVICE_MAX, PARENTS_MAX } from '../limits.ts'
import { directConversation } from '../log/entry.ts'
import { authorFrontier, conversationFrontier, firstAt } from '../log/frontier.ts'
import type { EntryRef } from '../log/header.ts'
import { readHeldEntry } from '../log/read.ts'
import { deviceLists, type ListedDevice } from '../peers/device-lists.ts'
import { newPeer, peers } from '../peers/peer.ts'
import { encodeRecord, readList, readRecord } from '../record.ts'
import { endSessions } from '../session/keep-session.ts'
import { type Step, type Table, type Turn, get, range } from '../step.ts'
import { sendControl } from './control.ts'
import { addEvidence, evidence, hasEntry } from './evidence.ts'
import { joinBases } from './join-base.ts'
import { enqueue, hasRoom, undelivered } from './outbox.ts'
import { forgetReceipts } from './receipts-out.ts'
import { forgetDevice } from './stop-carriage.ts'

interface FollowedList {
  readonly version: number
  readonly devices: readonly Bytes32[]
}

/** The list that the outboxes go by, per account. */
const followed: Table<Bytes32, FollowedList> = {
  name: 'followed-lists',
  sealing: 'value',
  place: (account) => ({ owner: account, order: EMPTY }),
  encode: (row) => encodeRecord([row.version, row.devices.map((device) => [device])]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'followed list')
    return {
      version: fields.uint('version'),
      devices: readList(fields, 'devices', 10, (one) => one.bytes('device', 32)),
    }
  },
}

/** Brings the outboxes of a contact up to its highest known list. Most often nothing changed. */
export function* followDevices(turn: Turn, account: Bytes32): Step<void> {
  const list = yield* get(deviceLists, account)
  if (list === undefined) return
  const before = yield* get(followed, account)
  if (before?.version === list.version) return
  const devices = list.devices.map(({ device }) => device)
  turn.put(followed, account, { version: list.version, devices })
  if (before === undefined) return
  const has = (all: readonly Bytes32[], device: Bytes32): boolean =>
    all.some((one) => equalBytes(one, device))
  const added = list.devices.filter(({ device }) => !has(before.devices, device))
  const gone = before.devices.filter((device) => !has(devices, device))
  if (added.length === 0 && gone.length === 0) return
  turn.change({
    kind: 'warning',
    code: 'DEVICES_CHANGED',
    account,
    text: 'A contact has other devices than before: it added or lost one, or restored its account.',
  })
  const conversation = directConversation(turn.crypto, turn.self.account, account)
  const waiting = yield* lowestUndelivered(conversation, before.devices)
  for (const device of added) yield* join(turn, account, device, conversation, waiting)
  for (const device of gone) {
    yield* forgetDevice(turn, device, conversation)
    yield* forgetReceipts(turn, device)
    yield* endSessions(turn, device)
  }
  // Groups that the account is in are told, and new devices are welcomed there (§21.3).
  for (const { gid, standing } of yield* allGroups()) {
    if (gid !== undefined && standing === 'joined') turn.effect({ kind: 'group', gid })
  }
}

const PAGE = 512

/** The first of our entries that no device of the contact is known to have; undefined: all arrived. */
function* lowestUndelivered(
  conversation: Bytes32,
  devices: readonly Bytes32[],
): Step<number | undefined> {
  let lowest: number | undefined
  for (const device of devices) {
    const owner = concat(device, conversation)
    walk: for (let next = 1; ;) {
      const rows = yield* range(undelivered, { owner, from: u64(next), limit: PAGE })
      for (const { order, value } of rows) {
        const n = readU64(order, 0)
        next = n + 1
        if (lowest !== undefined && n >= lowest) break walk
        if ((yield* get(evidence, value.entry))?.devices.some(hasEntry) === true) continue
        lowest = n
        break walk
      }
      if (rows.length < PAGE) break
    }
  }
  return lowest
}

/** Begins a conversation for a device that joins it: a base, and every entry above it. */
function* join(
  turn: Turn,
  account: Bytes32,
  { device, dh }: ListedDevice,
  conversation: Bytes32,
  waiting: number | undefined,
): Step<void> {
  const mine = yield* authorFrontier(turn, conversation, turn.self.device)
  const headN = mine?.headN ?? 0
  const from = Math.max(waiting ?? headN + 1, headN - CARRIED_PER_DEVICE_MAX + 1)
  const entries: EntryRef[] = []
  for (let n = from; n <= headN; n++) {
    const ref = yield* firstAt(conversation, turn.self.device, n)
    if (ref !== undefined) entries.push(ref)
  }
  let peer = yield* get(peers, device)
  if (peer === undefined) turn.put(peers, device, (peer = newPeer({ account, device, dh })))
  const below = from > 1 ? yield* firstAt(conversation, turn.self.device, from - 1) : undefined
  const heads = yield* rootsOf(turn, conversation, entries)
  if (below !== undefined || heads.length > 0) {
    const authors = below === undefined ? [] : [{ author: turn.self.device, n: from - 1, ...below }]
    turn.put(joinBases, device, peer.numberedSent + 1)
    yield* sendControl(turn, peer, (c) =>
      frameOf(baseFrame, { c, conversation: undefined, heads, authors }),
    )
  }
  for (const [i, { id }] of entries.entries()) {
    if (!(yield* hasRoom(device))) return
    yield* enqueue(turn, device, { kind: 'entry', conversation, entry: id, n: from + i })
    yield* addEvidence(turn, id, device, (before) => before)
  }
}

/** What the entries rest on and the device will not hold: their parents, and the present heads. */
function* rootsOf(
  turn: Turn,
  conversation: Bytes32,
  entries: readonly EntryRef[],
): Step<readonly EntryRef[]> {
  const sent = new Set(entries.map(({ id }) => toHex(id)))
  const roots = new Map<string, EntryRef>()
  const add = (refs: readonly EntryRef[]): void => {
    for (const ref of refs) if (!sent.has(toHex(ref.id))) roots.set(toHex(ref.id), ref)
  }
  for (const { id } of entries) {
    if (roots.size >= PARENTS_MAX) break
    add((yield* readHeldEntry(turn, id))?.header.parents ?? [])
  }
  add((yield* conversationFrontier(turn, conversation)).heads)
  return [...roots.values()].slice(0, PARENTS_MAX)
}
