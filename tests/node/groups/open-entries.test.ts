// Entries whose operation is not here yet are kept within bounds, for each author.
import { expect, it } from 'vitest'
import {
  keepOpenEntry,
  openEntriesOf,
  takeOpenEntries,
} from '../../../protocol/groups/open-entries.ts'
import { groupWaits } from '../../../protocol/groups/waits.ts'
import { entryOf } from '../../support/entries.ts'
import { MemoryDriver } from '../../support/memory-driver.ts'

const GID = new Uint8Array(32).fill(7)
const OP = new Uint8Array(32).fill(9)

it('an author has 64 places; they are named by number and operation, and given back', () => {
  const driver = new MemoryDriver({ seed: 'open entries' })
  const keep = (author: number, n: number): boolean =>
    driver.run((turn) => {
      const device = new Uint8Array(32).fill(author)
      const prev = n === 1 ? undefined : { id: device, lamport: n }
      const seed = new Uint8Array(32).fill(author)
      const parts = { conversation: GID, author: device, op: OP, n, prev, seed }
      const entry = entryOf(parts)
      return keepOpenEntry(turn, GID, entry)
    })
  for (let n = 1; n <= 64; n++) expect(keep(1, n)).toBe(true)
  expect(keep(1, 65)).toBe(false)
  expect(keep(1, 64)).toBe(true)
  expect(keep(2, 3)).toBe(true)
  const waits = driver.run((turn) => groupWaits(turn, GID))
  expect(
    waits.map(({ waitsFor, device, opId, numbers, count }) => [
      waitsFor,
      device?.[0],
      opId?.[0],
      numbers,
      count,
    ]),
  ).toEqual([
    ['operation', 1, 9, [[1, 64]], 64],
    ['operation', 2, 9, [[3, 3]], 1],
  ])
  expect(driver.run((turn) => takeOpenEntries(turn, GID))).toHaveLength(65)
  expect(driver.run(() => openEntriesOf(GID))).toEqual([])
  expect(keep(1, 65)).toBe(true)
})
