// Pages of a welcome: kept for one add at a time, so that whoever sends welcomes fills nothing.
import { expect, it } from 'vitest'
import { takeWelcome } from '../../../protocol/groups/take-welcome.ts'
import { newGroup } from '../../../protocol/groups/group.ts'
import { baseTable } from '../../../protocol/groups/pending-welcomes.ts'
import { bytesOf } from '../../support/entries.ts'
import { MemoryDriver } from '../../support/memory-driver.ts'
import { openedFrom } from '../../support/opened-inner.ts'

const GID = bytesOf('gid')

it('of an add that another took the place of are dropped', () => {
  const driver = new MemoryDriver({ seed: 'welcomes' })
  const fields = { gid: GID, name: 'team', named: false, join: undefined } as const
  driver.run((turn) => newGroup(turn, { ...fields, standing: 'joining' }))
  const opened = openedFrom(bytesOf('account'), bytesOf('device'), bytesOf('transcript'))
  const welcome = (addOp: Uint8Array, page: number, pages: number): void => {
    const [epoch, lineage] = [bytesOf('E'), bytesOf('G')]
    const authors = [{ author: bytesOf('author'), n: 1, id: bytesOf('entry'), lamport: 1 }]
    const rest = { c: page, group: GID, operations: 3, authors }
    driver.run((turn) => takeWelcome(turn, opened, { ...rest, addOp, epoch, lineage, page, pages }))
  }
  const sent = { account: opened.account, pages: 1 }
  const kept = (addOp: Uint8Array): number =>
    driver.run(() => baseTable({ ...sent, addOp }))?.length ?? 0
  const adds = ['one', 'two', 'three'].map((name) => bytesOf(name))
  for (const addOp of adds) for (const page of [1, 2]) welcome(addOp, page, 3)
  expect(adds.map(kept)).toEqual([0, 0, 2])
  // The same add with fewer pages.
  welcome(bytesOf('three'), 1, 1)
  expect(kept(bytesOf('three'))).toBe(1)
})
