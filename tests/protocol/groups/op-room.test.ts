// How many operations of one member a device takes in (SPEC.md §19.2), as they come over sessions. With
// small numbers: nothing else is another.
import { expect, test, vi } from 'vitest'
import { type GroupOp, signGroupOp } from '../../../crypto/index.ts'
import { groupOpsFrame } from '../../../protocol/content/group-ops.ts'
import { frameOf } from '../../../protocol/content/kind.ts'
import { knownMembership } from '../../../protocol/groups/membership.ts'
import { takeGroupFrame } from '../../../protocol/groups/take-frame.ts'
import { draftOp } from '../../../protocol/index.ts'
import { newPeer } from '../../../protocol/peers/peer.ts'
import { crypto } from '../../support/group-world.ts'
import { somebody, TwoDevices } from '../../support/two-devices.ts'

vi.mock('../../../protocol/group-limits.ts', async (original) => ({
  ...(await original<object>()),
  GROUP_PLAIN_OPS_MAX: 4,
  GROUP_PLAIN_OPS_HARD_MAX: 5,
  GROUP_PLAIN_OPS_APART: 2,
}))

test('forks of a member beyond its room are let in where another operation stands on them', () => {
  const world = new TwoDevices('room for forks')
  const { driver, gid, other, dag } = world
  const { self: mallory, list } = somebody('mallory')
  const take = (from: typeof other, ...ops: readonly GroupOp[]): number => {
    const { account, device, dh } = from
    const peer = newPeer({ account, device, dh })
    const operations = ops.map(({ bytes }) => bytes)
    const frame = frameOf(groupOpsFrame, { group: gid, operations, more: false })
    driver.run((turn) => takeGroupFrame(turn, { peer, opened: undefined as never }, frame))
    return driver.run((turn) => knownMembership(turn, gid)).dag.size
  }
  const { op: add } = world.add([], list)
  expect(take(other, add)).toBe(2)
  const draft = draftOp(crypto, dag, mallory, { kind: 'rotate', ownN: 0 })
  if (typeof draft === 'string') throw new Error(draft)
  const signer = { provider: crypto, deviceSeed: mallory.deviceSeed }
  const forks = Array.from({ length: 9 }, (_, i) =>
    signGroupOp(signer, draft.core, new Uint8Array(64).fill(i)),
  )
  const [last = add] = forks.slice(-1)
  expect(take(mallory, ...forks)).toBe(2 + 6)
  expect(take(other, last)).toBe(2 + 6)
  // Elsewhere there was room for that one, and it is the one that was gone on from.
  dag.add(last)
  const { op: next } = world.write({ kind: 'rotate', ownN: 0 })
  expect(take(other, next)).toBe(2 + 6)
  expect(take(mallory, last)).toBe(2 + 6)
  expect(take(other, last)).toBe(2 + 6 + 2)
  // What had no room is not stored, and what was let in stays.
  driver.memory = new Map<string, unknown>()
  const loaded = driver.run((turn) => knownMembership(turn, gid)).dag
  expect([loaded.size, loaded.pendingSize]).toEqual([2 + 6 + 2, 0])
  expect(loaded.has(next.id)).toBe(true)
})
