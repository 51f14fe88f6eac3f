// Answers to who asks for operations: as many as are worth it, not as many as are asked for.
import { expect, it } from 'vitest'
import { type DeviceList, toHex } from '../../../crypto/index.ts'
import { outboxHead, peers } from '../../../protocol/index.ts'
import { groupOpsFrame } from '../../../protocol/content/group-ops.ts'
import { readFrame } from '../../../protocol/content/kind.ts'
import { outbox } from '../../../protocol/delivery/outbox.ts'
import { decodeFrames } from '../../../protocol/frames.ts'
import { takeOperations } from '../../../protocol/groups/intake.ts'
import { serveOperations } from '../../../protocol/groups/ops-talk.ts'
import {
  SERVED_WAITING_MAX,
  SYNC_PAGE_ENTRIES_MAX,
  SYNC_SERVED_PER_MINUTE,
} from '../../../protocol/limits.ts'
import { newPeer } from '../../../protocol/peers/peer.ts'
import { TwoDevices, listOfSomebody } from '../../support/two-devices.ts'

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

it('who was removed gets its removal and nothing later, and a stranger nothing', () => {
  const world = new TwoDevices('asked by one who is out')
  const { driver, gid } = world
  const list = listOfSomebody('removed')
  const { op: add } = world.add([], list)
  const payload = { kind: 'remove', target: list.account, cut: [], reason: 0 } as const
  const { op: removal } = world.write(payload)
  const { op: later } = world.write({ kind: 'meta', name: 'of those who stayed', settings: 0 })
  const all = [add, removal, later].map(({ bytes }) => bytes)
  driver.run((turn) => takeOperations(turn, gid, all))
  const served = ({ account, devices }: DeviceList): readonly Uint8Array[] => {
    const [cert] = devices
    if (cert === undefined) throw new Error('a device')
    const { device, dh } = cert
    driver.run(function* (turn) {
      turn.put(peers, device, newPeer({ account, device, dh }))
    })
    driver.run((turn) => serveOperations(turn, gid, device, []))
    return driver.rows(outbox).flatMap(({ content, device: to }) => {
      if (content.kind !== 'notice' || toHex(to) !== toHex(device)) return []
      return decodeFrames(content.frames, 'ratchet').flatMap(
        (frame) => readFrame(groupOpsFrame, frame)?.operations ?? [],
      )
    })
  }
  expect(served(list)).toEqual([world.root.op.bytes, add.bytes, removal.bytes])
  expect(served(listOfSomebody('a stranger'))).toEqual([])
})
