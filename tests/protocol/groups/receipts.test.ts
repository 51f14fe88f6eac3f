// What a receipt may say of a group: it comes over a session, whose device may be in no such group.
import { expect, it } from 'vitest'
import { gapsOf, type Receipt } from '../../../protocol/index.ts'
import { takeReceipt } from '../../../protocol/delivery/receipts-in.ts'
import { newPeer } from '../../../protocol/peers/peer.ts'
import { bytesOf } from '../../support/entries.ts'
import { TwoDevices } from '../../support/two-devices.ts'

function receiptOf(world: TwoDevices, headN: number): Receipt {
  const conversations = [{ conversation: world.gid, headN, authors: [] }]
  return { r: 1, conversations, numbered: { c: 0, held: [] } }
}

function gapsAfter(world: TwoDevices, device: Uint8Array, headN: number) {
  const { driver, gid } = world
  const peer = newPeer({ account: bytesOf('account'), device, dh: bytesOf('dh') })
  driver.run((turn) => takeReceipt(turn, peer, bytesOf('direct'), receiptOf(world, headN)))
  return driver.run((turn) => gapsOf(turn, gid))
}

it('tells how far a member wrote', () => {
  const world = new TwoDevices('of a member')
  const author = world.other.device
  const gap = { author, from: 1, to: 5, irretrievable: false }
  expect(gapsAfter(world, author, 5)).toEqual([gap])
})

it('of a device that is in no such group makes no gap in it', () => {
  const world = new TwoDevices('of a stranger')
  expect(gapsAfter(world, bytesOf('a stranger'), 1_000)).toEqual([])
})
