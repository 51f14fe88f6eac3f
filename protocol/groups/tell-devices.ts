// Device lists that are newer than what the operations say (SPEC.md §21): an own device tells its
// group at once, anybody else's after a minute and its rank. What a device that is gone wrote and is
// held here stands.
import { type Bytes32, equalBytes, openDeviceList, toHex } from '../../crypto/index.ts'
import { LISTS_TOLD_AFTER_MS } from '../group-limits.ts'
import { type DeviceListRecord, deviceLists, deviceListsMark } from '../peers/device-lists.ts'
import { type Step, type Turn, get } from '../step.ts'
import { cutOf } from './cut.ts'
import type { Membership } from './membership.ts'
import { issue } from './operate.ts'
import { putRepairs, repairState } from './repair-state.ts'
import { tellWhere } from './tell-where.ts'

interface NewerList {
  readonly account: Bytes32
  readonly record: DeviceListRecord
  readonly gone: readonly Bytes32[]
}

/** With which operations and lists none was found. */
interface Looked {
  readonly stamp: object
  readonly mark: string
}

/** Looked for anew only where the group or any list is another one. */
function* newerList(turn: Turn, members: Membership): Step<NewerList | undefined> {
  const key = `lists ${toHex(members.gid)}`
  const mark = yield* deviceListsMark()
  const { stamp } = members.dag
  const before = turn.memory.get(key) as Looked | undefined
  if (mark !== '' && before?.stamp === stamp && before.mark === mark) return undefined
  const found = yield* findNewer(members)
  if (found === undefined) turn.memory.set(key, { stamp, mark })
  return found
}

function* findNewer(members: Membership): Step<NewerList | undefined> {
  for (const { account, devices, listVersion } of members.members) {
    const record = yield* get(deviceLists, account)
    if (record === undefined || record.conflict !== undefined) continue
    if (record.version <= listVersion) continue
    const isListed = (device: Bytes32): boolean =>
      record.devices.some((listed) => equalBytes(listed.device, device))
    return { account, record, gone: devices.filter((device) => !isListed(device)) }
  }
  return undefined
}

function newDevices(members: Membership, { record }: NewerList): readonly Bytes32[] {
  return record.devices
    .map(({ device }) => device)
    .filter((device) => members.accountOf(device) === undefined)
}

/** Tells the group of a newer list when it is time to; when to look again, guarded clock. */
export function* tellDevices(
  turn: Turn,
  members: Membership,
  delayMs: number,
): Step<number | undefined> {
  const { gid } = members
  const state = yield* repairState(gid)
  const newer = yield* newerList(turn, members)
  const listsSinceMs = newer === undefined ? 0 : state.listsSinceMs || turn.safeNowMs
  yield* putRepairs(turn, gid, { ...state, listsSinceMs })
  if (newer === undefined || !members.allows('devices')) return undefined
  const isOwn = equalBytes(newer.account, turn.self.account)
  const dueMs = isOwn ? turn.safeNowMs : listsSinceMs + LISTS_TOLD_AFTER_MS + delayMs
  if (dueMs > turn.safeNowMs) return dueMs
  const list = openDeviceList(turn.crypto, newer.record.bytes)
  // Whoever knows of a new device knows where it is reached: it has yet to be welcomed.
  if (!isOwn) yield* tellWhere(turn, members, newer.account, newDevices(members, newer))
  const cut = yield* cutOf(turn, gid, newer.gone)
  yield* issue(turn, members, { kind: 'devices', list, cut })
  return turn.safeNowMs
}
