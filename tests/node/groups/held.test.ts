// What came and cannot be opened is not passed over in silence (SPEC.md §20.4, G1).
import { describe, expect, it } from 'vitest'
import { groupView } from '../../../node/messenger/group-views.ts'
import { newGroup } from '../../../protocol/groups/group.ts'
import {
  type HeldMessage,
  type Holding,
  heldMessages,
  holdMessage,
  releaseMessage,
} from '../../../protocol/groups/held-messages.ts'
import { MemoryDriver } from '../../support/memory-driver.ts'

const GID = new Uint8Array(32).fill(7)

it('a group says how much it holds for want of a key, and stops saying it', () => {
  const driver = new MemoryDriver({ seed: 'held' })
  const fields = {
    gid: GID,
    name: 'team',
    named: false,
    standing: 'joined',
    join: undefined,
  } as const
  const group = driver.run((turn) => newGroup(turn, fields))
  expect(driver.run((turn) => groupView(turn, group))).toMatchObject({ held: 0, missing: 0 })
  for (const [at, size] of [1, 2].entries()) {
    const innerId = new Uint8Array(32).fill(at)
    const message = new Uint8Array(size)
    const source = new Uint8Array(8)
    driver.run((turn) => holdMessage(turn, GID, { innerId, message, source, origin: undefined }))
  }
  const shown = driver.run((turn) => groupView(turn, group))
  expect(shown).toMatchObject({
    held: 2,
    problem: '2 that came wait for a key or an operation: they may be messages',
  })
  driver.run(function* (turn) {
    for (const one of yield* heldMessages(GID, 0, 10)) yield* releaseMessage(turn, GID, one)
  })
  expect(driver.run((turn) => groupView(turn, group))).not.toHaveProperty('problem')
})

describe('a source that floods', () => {
  const source = (at: number): Uint8Array => new Uint8Array(8).fill(at)

  function world() {
    const driver = new MemoryDriver({ seed: 'flood' })
    let next = 0
    const hold = (by: Uint8Array, size = 10): Holding => {
      const innerId = new Uint8Array(32).fill(++next & 0xff)
      new DataView(innerId.buffer).setUint32(0, next)
      const one = { innerId, message: new Uint8Array(size), source: by, origin: undefined }
      return driver.run((turn) => holdMessage(turn, GID, one))
    }
    const held = (): readonly HeldMessage[] => driver.run(() => heldMessages(GID, 0, 2_000))
    return { driver, hold, held }
  }

  it('has 64 places and takes none of another', () => {
    const { hold, held } = world()
    for (let i = 0; i < 64; i++) expect(hold(source(1))).toBe('kept')
    for (let i = 0; i < 100; i++) expect(hold(source(1))).toBe('full')
    expect(hold(source(2))).toBe('kept')
    expect(held().map((row) => row.source[0])).toEqual([...Array<number>(64).fill(1), 2])
  })

  it('gets a place back for each that opened', () => {
    const { driver, hold, held } = world()
    for (let i = 0; i < 64; i++) hold(source(1))
    const [first] = held()
    if (first === undefined) throw new Error('one that is held')
    driver.run((turn) => releaseMessage(turn, GID, first))
    driver.run((turn) => releaseMessage(turn, GID, first))
    expect([hold(source(1)), hold(source(1))]).toEqual(['kept', 'full'])
  })

  it('may fill the group by many names, and pushes nothing out', () => {
    const { hold, held } = world()
    expect(hold(source(255))).toBe('kept')
    for (let i = 0; i < 2_000; i++) hold(source(i % 100))
    expect(held()).toHaveLength(1_000)
    expect(held()[0]?.source).toEqual(source(255))
    expect(hold(source(254))).toBe('full')
  })
})
