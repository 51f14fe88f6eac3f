// What a frontier names in a group too large for each to name all: what changed, and who asked.
import { expect, test } from 'vitest'
import { groupFrontierFrame } from '../../../protocol/content/group-frontier.ts'
import { FRONTIER_ASKED_MEMBERS, FRONTIER_MAX_MS } from '../../../protocol/group-limits.ts'
import { takeFrontierRequest } from '../../../protocol/groups/frontiers.ts'
import { takeOperations, takeSeed } from '../../../protocol/groups/intake.ts'
import { knownMembership } from '../../../protocol/groups/membership.ts'
import { waitingControls } from '../../../protocol/groups/own-control.ts'
import { tellFrontier } from '../../../protocol/groups/tell-frontier.ts'
import { acceptBase } from '../../../protocol/log/base.ts'
import { bytesOf } from '../../support/entries.ts'
import { TwoDevices, listOfSomebody } from '../../support/two-devices.ts'

test('what a device holds of who asks is told again, though it was told before', () => {
  const world = new TwoDevices('large')
  const { driver, gid } = world
  const lists = Array.from({ length: FRONTIER_ASKED_MEMBERS }, (_, i) => listOfSomebody(`m ${i}`))
  const adds = lists.map((list) => world.add([], list).op.bytes)
  driver.run((turn) => takeOperations(turn, gid, adds))
  const { op, seed } = world.write({ kind: 'rotate', ownN: 0 })
  const secret = { secretKind: 'seed', secret: seed, lineage: undefined } as const
  driver.run((turn) => takeSeed(turn, gid, op.bytes, secret))
  const [first, second] = lists.flatMap(({ devices }) => devices.map(({ device }) => device))
  if (first === undefined || second === undefined) throw new Error('members')
  const authors = [first, second].map((author, i) => {
    const entry = bytesOf(`entry ${i}`)
    return { author, n: 7 + i, id: entry, lamport: 9 }
  })
  driver.run((turn) =>
    acceptBase(turn, gid, { conversation: gid, heads: [], authors }, { kind: 'member' }),
  )
  const counts = (): readonly number[] => {
    const row = driver
      .rows(waitingControls)
      .find(({ frame }) => frame.kind === groupFrontierFrame.kind)
    return row === undefined
      ? []
      : groupFrontierFrame.decode(row.frame.body).value.held.map(({ n }) => n)
  }
  const asks = (device: Uint8Array): readonly number[] => {
    // Some 16 answer: by chance this one is among them.
    for (let i = 0; i < 64; i++) {
      driver.run(function* (turn) {
        const members = yield* knownMembership(turn, gid)
        yield* takeFrontierRequest(turn, members, device, { author: device, n: 0 })
      })
    }
    driver.advance(2 * FRONTIER_MAX_MS)
    driver.run(function* (turn) {
      yield* tellFrontier(turn, yield* knownMembership(turn, gid))
    })
    return counts()
  }
  // The first names all of it.
  expect(asks(first).toSorted((a, b) => a - b)).toEqual([7, 8])
  expect(asks(second)).toEqual([8])
  expect(asks(first)).toEqual([7])
})
