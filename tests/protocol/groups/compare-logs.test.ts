// After an absence a log is compared with one member's: who was not asked ends nothing.
import { expect, it } from 'vitest'
import type { HomeHost } from '../../../protocol/content/endpoints.ts'
import { COMPARE_INTERVAL_MS } from '../../../protocol/group-limits.ts'
import { knownMembership } from '../../../protocol/groups/membership.ts'
import { syncGroup, takeSyncFrontier } from '../../../protocol/groups/sync-group.ts'
import { syncState } from '../../../protocol/groups/sync-state.ts'
import { newPeer, peers } from '../../../protocol/peers/peer.ts'
import { bytesOf } from '../../support/entries.ts'
import { TwoDevices } from '../../support/two-devices.ts'

const LIAR = bytesOf('another member')

function comparing(name: string): TwoDevices {
  const world = new TwoDevices(name)
  const { account, device, dh } = world.other
  const home: HomeHost = { transportKey: bytesOf('host'), addresses: [] }
  world.driver.run(function* (turn) {
    const peer = newPeer({ account, device, dh })
    turn.put(peers, device, { ...peer, endpoints: { ...peer.endpoints, home } })
    yield* syncGroup(turn, yield* knownMembership(turn, world.gid))
  })
  return world
}

function compares(world: TwoDevices): boolean {
  return world.driver.run(() => syncState(world.gid)).compares
}

function says(world: TwoDevices, device: Uint8Array): void {
  const frontier = { conversation: world.gid, authors: [], heads: [] }
  world.driver.run(function* (turn) {
    yield* takeSyncFrontier(turn, yield* knownMembership(turn, world.gid), device, frontier)
  })
}

it('goes on until who was asked answers, whatever others say unasked', () => {
  const world = comparing('asked')
  expect(compares(world)).toBe(true)
  says(world, LIAR)
  expect(compares(world)).toBe(true)
  says(world, world.other.device)
  expect(compares(world)).toBe(false)
})

it('is not ended by what came before anybody was asked', () => {
  const world = new TwoDevices('early')
  says(world, world.other.device)
  expect(compares(world)).toBe(true)
})

it('asks the next one after ten minutes without an answer', () => {
  const world = comparing('silent')
  says(world, LIAR)
  const before = world.driver.run(() => syncState(world.gid)).comparedAtMs
  world.driver.advance(COMPARE_INTERVAL_MS)
  world.driver.run(function* (turn) {
    yield* syncGroup(turn, yield* knownMembership(turn, world.gid))
  })
  expect(world.driver.run(() => syncState(world.gid)).comparedAtMs).toBe(
    before + COMPARE_INTERVAL_MS,
  )
})
