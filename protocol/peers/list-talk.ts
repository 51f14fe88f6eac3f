// Every message says which device lists its sender goes by (SPEC.md §6). Where they differ from
// ours, the lower one is told or asked for: once per version and hour, for a list has kilobytes.
import { type Bytes32, concat, equalBytes } from '../../crypto/index.ts'
import { frameOf } from '../content/kind.ts'
import { listFrame } from '../content/list.ts'
import { type ListRequest, listRequestFrame } from '../content/list-request.ts'
import { sendControl } from '../delivery/control.ts'
import { sendNotice } from '../delivery/notice.ts'
import { LIST_TALK_MS } from '../limits.ts'
import { encodeRecord, readRecord } from '../record.ts'
import type { ListVersions } from '../session/list-versions.ts'
import { type Step, type Table, type Turn, get } from '../step.ts'
import { deviceLists } from './device-lists.ts'
import { peers } from './peer.ts'

interface Told {
  readonly version: number
  readonly atMs: number
}

/** What was last sent or asked, by device, account, and direction (0 sent, 1 asked). */
const told: Table<{ device: Bytes32; account: Bytes32; direction: 0 | 1 }, Told> = {
  name: 'list-talk',
  sealing: 'value',
  place: ({ device, account, direction }) => ({
    owner: concat(device, account),
    order: Uint8Array.of(direction),
  }),
  encode: (row) => encodeRecord([row.version, row.atMs]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'list talk')
    return { version: fields.uint('version'), atMs: fields.uint('at') }
  },
}

function* mayTell(
  turn: Turn,
  key: { readonly device: Bytes32; readonly account: Bytes32; readonly direction: 0 | 1 },
  version: number,
): Step<boolean> {
  const before = yield* get(told, key)
  if (before?.version === version && turn.safeNowMs - before.atMs < LIST_TALK_MS) return false
  turn.put(told, key, { version, atMs: turn.safeNowMs })
  return true
}

/** Answers a list-request: our list, or the asker's own as we know it, where it is the higher one. */
export function* sendList(
  turn: Turn,
  contact: Bytes32,
  device: Bytes32,
  request: ListRequest,
): Step<void> {
  const account = request.account ?? turn.self.account
  const allowed = equalBytes(account, turn.self.account) || equalBytes(account, contact)
  if (!allowed) return
  const held = yield* get(deviceLists, account)
  const peer = yield* get(peers, device)
  if (held === undefined || peer === undefined || held.version <= request.version) return
  if (!(yield* mayTell(turn, { device, account, direction: 0 }, held.version))) return
  yield* sendControl(turn, peer, (c) => frameOf(listFrame, { c, list: held.bytes }))
}

/** Acts on the list versions that a message of an accepted contact's device named. */
export function* settleLists(
  turn: Turn,
  account: Bytes32,
  device: Bytes32,
  lists: ListVersions,
): Step<void> {
  if (lists.owesOurs) {
    yield* sendList(turn, account, device, { account: undefined, version: lists.ours.version - 1 })
  }
  if (!lists.needTheirs) return
  const known = (yield* get(deviceLists, account))?.version ?? 0
  if (!(yield* mayTell(turn, { device, account, direction: 1 }, lists.theirs.version))) return
  // At an equal version with another hash the other list is wanted all the same: as evidence.
  const version = Math.max(0, Math.min(known, lists.theirs.version - 1))
  yield* sendNotice(turn, device, frameOf(listRequestFrame, { account: undefined, version }))
}
