// How far members say they hold what this device wrote, and what is shown of it.
import { describe, expect, it } from 'vitest'
import { evidence, get, shownState } from '../../../protocol/index.ts'
import { noteReached, reachedN, settleReached } from '../../../protocol/groups/frontiers.ts'
import { appendEntry } from '../../../protocol/log/append.ts'
import { bytesOf } from '../../support/entries.ts'
import { TwoDevices } from '../../support/two-devices.ts'

const BOB = bytesOf('a device of bob')
const LIAR = bytesOf('a device of a liar')

function write(world: TwoDevices, count: number): readonly Uint8Array[] {
  const { gid } = world
  return Array.from({ length: count }, () =>
    world.driver.run(function* (turn) {
      const parts = { conversation: gid, op: gid, kind: 1, body: bytesOf('text'), sentAtMs: 0 }
      const { id, n } = yield* appendEntry(turn, parts)
      const group = { custody: [], heldAtMs: 0, readAtMs: 0, closed: '', epoch: undefined }
      turn.put(evidence, id, { conversation: gid, n, queuedAtMs: 0, devices: [], group })
      return id
    }),
  )
}

function stateOf(world: TwoDevices, entry: Uint8Array | undefined): string | undefined {
  return world.driver.run(function* (turn) {
    const row = entry === undefined ? undefined : yield* get(evidence, entry)
    return row === undefined ? undefined : shownState(row, turn.nowMs).state
  })
}

function hear(world: TwoDevices, device: Uint8Array, n: number, readN = n): void {
  world.driver.run((turn) => noteReached(turn, world.gid, device, n, readN))
}

describe('what members hold of ours', () => {
  it('is shown of thousands of entries that one frontier names, a thousand a turn', () => {
    const world = new TwoDevices('long away')
    const ids = write(world, 2_100)
    hear(world, BOB, 2_100, 1_500)
    expect(stateOf(world, ids[999])).toBe('read')
    expect(stateOf(world, ids[1_000])).toBe('queued')
    const { driver, gid } = world
    expect(driver.effects).toContainEqual({ kind: 'group', gid })
    let turns = 1
    while (driver.run((turn) => settleReached(turn, gid))) turns++
    expect(turns).toBe(2)
    expect(stateOf(world, ids[1_499])).toBe('read')
    expect(stateOf(world, ids[1_500])).toBe('delivered')
    expect(stateOf(world, ids[2_099])).toBe('delivered')
  })

  it('is nothing that is not written yet, whatever one of them says', () => {
    const world = new TwoDevices('claimed ahead')
    write(world, 3)
    for (const n of [1_000_000, 2_000_000]) hear(world, LIAR, n)
    expect(world.driver.run(() => reachedN(world.gid))).toBe(3)
    const [fourth] = write(world, 1)
    expect(stateOf(world, fourth)).toBe('queued')
    hear(world, BOB, 4, 0)
    expect(stateOf(world, fourth)).toBe('delivered')
  })
})
