// Answers to who asks for operations: as many as are worth it, not as many as are asked for.
import { expect, it } from 'vitest'
import { outboxHead, peers } from '../../../protocol/index.ts'
import { serveOperations } from '../../../protocol/groups/ops-talk.ts'
import {
  SERVED_WAITING_MAX,
  SYNC_PAGE_ENTRIES_MAX,
  SYNC_SERVED_PER_MINUTE,
} from '../../../protocol/limits.ts'
import { newPeer } from '../../../protocol/peers/peer.ts'
import { TwoDevices } from '../../support/two-devices.ts'

it('who asks without end is answered so often a minute, and no more once it takes nothing', () => {
  const world = new TwoDevices('asked without end')
  const { driver, gid, other } = world
  const { account, device, dh } = other
  driver.run(function* (turn) {
    turn.put(peers, device, newPeer({ account, device, dh }))
  })
  const ask = (times: number): number => {
    for (let i = 0; i < times; i++) driver.run((turn) => serveOperations(turn, gid, device, []))
    return driver.run(() => outboxHead(device)).items
  }
  const perMinute = Math.ceil(SYNC_SERVED_PER_MINUTE / SYNC_PAGE_ENTRIES_MAX)
  expect(ask(perMinute + 50)).toBe(perMinute)
  for (let minute = 0; minute < 10; minute++) {
    driver.advance(60_000)
    ask(perMinute)
  }
  expect(ask(1)).toBe(SERVED_WAITING_MAX)
})
