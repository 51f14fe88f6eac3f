// What a log asks for first: nobody can keep what is missing of others from being asked for.
import { expect, it } from 'vitest'
import { equalBytes } from '../../../crypto/index.ts'
import { nativeCrypto } from '../../../node/native-crypto.ts'
import { noteHead } from '../../../protocol/index.ts'
import { SYNC_IDS_MAX, SYNC_RANGES_MAX } from '../../../protocol/limits.ts'
import { authorTable } from '../../../protocol/log/author-table.ts'
import { markLost } from '../../../protocol/log/frontier.ts'
import type { EntryRef } from '../../../protocol/log/header.ts'
import { wantedOf } from '../../../protocol/log/wanted.ts'
import { get } from '../../../protocol/step.ts'
import { CONVERSATION, bytesOf, refOf } from '../../support/entries.ts'
import { MemoryDriver } from '../../support/memory-driver.ts'
import { Writer } from '../../support/writer.ts'

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

it('asks for what is missing before what was given up', () => {
  const driver = new MemoryDriver({ seed: 'given up' })
  driver.run(function* (turn) {
    yield* noteHead(turn, CONVERSATION, BOB, 5)
    for (let i = 0; i < SYNC_RANGES_MAX; i++) {
      const author = bytesOf(`gone ${i}`)
      yield* noteHead(turn, CONVERSATION, author, 1)
      yield* markLost(turn, CONVERSATION, author, [1, 1])
    }
  })
  const { ranges } = driver.run((turn) => wantedOf(turn, CONVERSATION))
  expect(ranges[0]).toEqual({ author: BOB, from: 1, to: 5 })
})

const invented = (i: number, lamport: number): readonly EntryRef[] =>
  Array.from({ length: 15 }, (_, j) => ({ id: bytesOf(`never written ${i} ${j}`), lamport }))

function wantedIds(driver: MemoryDriver): readonly Uint8Array[] {
  return driver.run((turn) => wantedOf(turn, CONVERSATION)).ids
}

it.each([
  ['above', 1_000_000],
  ['below', 0],
])(
  'asks for what an author rests on, however many entries of another rest on nothing, $0',
  (_, lamport) => {
    const driver = new MemoryDriver({ seed: 'flood', crypto: nativeCrypto })
    const [liar, bob, carol] = ['liar', 'bob', 'carol'].map((name) => new Writer(driver, name))
    if (liar === undefined || bob === undefined || carol === undefined) throw new Error('three')
    for (let i = 0; i < 128; i++) liar.write(invented(i, lamport))
    const missing = carol.write([{ id: bytesOf('older'), lamport: 500 }], false)
    bob.write([refOf(missing)])
    const ids = wantedIds(driver)
    expect(ids).toHaveLength(SYNC_IDS_MAX)
    expect(ids).toContainEqual(missing.id)
  },
)

it('asks for what an author rests on through an entry of a flood', () => {
  const driver = new MemoryDriver({ seed: 'through', crypto: nativeCrypto })
  const [liar, bob] = [new Writer(driver, 'liar'), new Writer(driver, 'bob')]
  const withheld = { id: bytesOf('told to bob alone'), lamport: 2_000 }
  const open = liar.write([withheld])
  for (let i = 0; i < 128; i++) liar.write(invented(i, 1_000_000))
  bob.write([refOf(open)])
  expect(wantedIds(driver)).toContainEqual(withheld.id)
})

it('asks for what all of a long row of open entries rests on', () => {
  const driver = new MemoryDriver({ seed: 'row', crypto: nativeCrypto })
  const bob = new Writer(driver, 'bob')
  const missing = { id: bytesOf('the last word of who is gone'), lamport: 7 }
  bob.write([missing])
  for (let i = 0; i < 100; i++) bob.write()
  expect(wantedIds(driver)).toEqual([missing.id])
})
