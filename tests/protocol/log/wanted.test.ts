// What a log asks for first: nobody can keep what is missing of others from being asked for.
import { expect, it } from 'vitest'
import { equalBytes } from '../../../crypto/index.ts'
import { noteHead } from '../../../protocol/index.ts'
import { SYNC_RANGES_MAX } from '../../../protocol/limits.ts'
import { authorTable } from '../../../protocol/log/author-table.ts'
import { wantedOf } from '../../../protocol/log/wanted.ts'
import { get } from '../../../protocol/step.ts'
import { bytesOf } from '../../support/entries.ts'
import { MemoryDriver } from '../../support/memory-driver.ts'

const CONVERSATION = bytesOf('conversation')
const BOB = bytesOf('bob')
const HOLES = bytesOf('an author full of holes')

it('asks for the newest of each author in turn', () => {
  const driver = new MemoryDriver({ seed: 'wanted' })
  driver.run((turn) => noteHead(turn, CONVERSATION, BOB, 5))
  driver.run(function* (turn) {
    yield* noteHead(turn, CONVERSATION, HOLES, 99)
    const key = { conversation: CONVERSATION, author: HOLES }
    const row = yield* get(authorTable, key)
    if (row === undefined) throw new Error('a row')
    const above = Array.from({ length: 49 }, (_, i) => [2 * i + 2, 2 * i + 2] as const)
    turn.put(authorTable, key, { ...row, above })
  })
  const { ranges } = driver.run((turn) => wantedOf(turn, CONVERSATION))
  expect(ranges).toHaveLength(SYNC_RANGES_MAX)
  expect(ranges.filter(({ author }) => equalBytes(author, BOB))).toEqual([
    { author: BOB, from: 1, to: 5 },
  ])
  const others = ranges.filter(({ author }) => equalBytes(author, HOLES))
  expect(others.map(({ to }) => to)).toEqual(Array.from({ length: 31 }, (_, i) => 99 - 2 * i))
})
