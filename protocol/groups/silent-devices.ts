// Devices of members that never told their group where they are reached (SPEC.md §21.3): new ones, and
// perhaps nobody is left who welcomes them. Most often there is none.
import type { Bytes32 } from '../../crypto/index.ts'
import { SILENT_DEVICES_PAGE } from '../group-limits.ts'
import { encodeRecord, readRecord } from '../record.ts'
import { type Step, type Table, type Turn, get, range } from '../step.ts'
import { allGroups } from './group.ts'

export interface SilentDevice {
  readonly device: Bytes32
  /** Since when it is known as a member's, guarded clock. */
  readonly sinceMs: number
  /** This device did what it could. */
  readonly helped: boolean
}

const silent: Table<{ gid: Bytes32; device: Bytes32 }, SilentDevice> = {
  name: 'silent-devices',
  sealing: 'value',
  rows: 'few',
  place: ({ gid, device }) => ({ owner: gid, order: device }),
  encode: ({ device, sinceMs, helped }) => encodeRecord([device, sinceMs, helped ? 1 : 0]),
  decode: (bytes) => {
    const fields = readRecord(bytes, 'silent device')
    return {
      device: fields.bytes('device', 32),
      sinceMs: fields.uint('since'),
      helped: fields.flag('helped'),
    }
  },
}

/** Up to a page of them. */
export function* silentDevices(gid: Bytes32): Step<readonly SilentDevice[]> {
  const rows = yield* range(silent, { owner: gid, limit: SILENT_DEVICES_PAGE })
  return rows.map(({ value }) => value)
}

/** Notes a device that was not heard in the group. */
export function* noteSilent(turn: Turn, gid: Bytes32, device: Bytes32): Step<void> {
  if ((yield* get(silent, { gid, device })) !== undefined) return
  turn.put(silent, { gid, device }, { device, sinceMs: turn.safeNowMs, helped: false })
}

export function noteHelped(turn: Turn, gid: Bytes32, row: SilentDevice): void {
  turn.put(silent, { gid, device: row.device }, { ...row, helped: true })
}

/**
 * A device spoke to us for the first time: what it was sent before it may not have taken, from a
 * stranger.
 */
export function* helpAgain(turn: Turn, device: Bytes32): Step<void> {
  for (const { gid, standing } of yield* allGroups()) {
    const row = gid && standing === 'joined' ? yield* get(silent, { gid, device }) : undefined
    if (gid === undefined || row?.helped !== true) continue
    turn.put(silent, { gid, device }, { ...row, helped: false })
    turn.effect({ kind: 'group', gid })
  }
}

/** It was heard, or is no member's any more. */
export function endSilence(turn: Turn, gid: Bytes32, device: Bytes32): void {
  turn.remove(silent, { gid, device })
}
