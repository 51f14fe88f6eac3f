import { describe, expect, it } from 'vitest'
import { JOURNAL_KEEP_BATCHES, JOURNAL_PAGE_ROWS } from '../../../node/ledger/limits.ts'
import { Journal } from '../../../node/ledger/journal.ts'
import { LedgerWorld } from '../../support/ledger-world.ts'
import { toHex } from '../../../crypto/index.ts'

/** Keys of the journal's rows, oldest first: the row of batch n ends in n. */
function journalKeys(world: LedgerWorld): readonly Uint8Array[] {
  const prefix = toHex(Uint8Array.from([7, ...Buffer.from('journal')]))
  return world.map
    .rows()
    .map(([key]) => key)
    .filter((key) => toHex(key).startsWith(prefix))
}

async function filled(batches: number): Promise<LedgerWorld> {
  const world = new LedgerWorld()
  await world.open()
  for (let i = 0; i < batches; i++) await world.put(i % 8, i)
  return world
}

/** As many batches as wanted, without the Ledger around them. */
async function written(batches: number): Promise<LedgerWorld> {
  const world = new LedgerWorld()
  const journal = await Journal.open(world.records)
  for (let i = 0; i < batches; i++) {
    await world.records.write(journal.next(1, new Set(['numbers'])))
  }
  return world
}

describe('the journal', () => {
  it('opens where the newest rows are missing: the tail of a log may be lost', async () => {
    const world = await filled(5)
    const keys = journalKeys(world)
    world.map.apply(keys.slice(-2).map((key) => ({ key, value: undefined })))
    await world.open()
    await world.put(1, 1)
    expect(journalKeys(world)).toHaveLength(4)
    await world.open()
  })

  it('names a hole, and which tables the lost batch wrote', async () => {
    const world = await filled(5)
    const [, , third] = journalKeys(world)
    world.map.apply([{ key: third!, value: undefined }])
    await expect(world.open()).rejects.toMatchObject({
      code: 'CORRUPT_STORE',
      message: 'the disk lost batch 3; the last of them wrote: numbers',
    })
  })

  it('names a hole of several batches', async () => {
    const world = await filled(7)
    const keys = journalKeys(world)
    world.map.apply(keys.slice(2, 5).map((key) => ({ key, value: undefined })))
    await expect(world.open()).rejects.toThrow('batches 3 to 5')
  })

  it('keeps a bounded window, whose oldest rows may go', async () => {
    const world = await written(JOURNAL_KEEP_BATCHES + 20)
    const keys = journalKeys(world)
    expect(keys).toHaveLength(JOURNAL_KEEP_BATCHES)
    await world.open()
    world.map.apply(keys.slice(0, 3).map((key) => ({ key, value: undefined })))
    await world.open()
  })

  it('finds a hole on every page, also at the border of two', async () => {
    const world = await written(2 * JOURNAL_PAGE_ROWS + 5)
    const keys = journalKeys(world)
    for (const at of [JOURNAL_PAGE_ROWS - 1, JOURNAL_PAGE_ROWS, 2 * JOURNAL_PAGE_ROWS]) {
      const key = keys[at]!
      const value = world.map.get(key)
      world.map.apply([{ key, value: undefined }])
      await expect(world.open()).rejects.toThrow(`batch ${at + 1}; `)
      world.map.apply([{ key, value }])
    }
    await world.open()
  })

  it('numbers on where more rows are kept than it reads at once', async () => {
    const world = await written(JOURNAL_PAGE_ROWS + 3)
    await world.open()
    await world.put(1, 1)
    expect(journalKeys(world)).toHaveLength(JOURNAL_PAGE_ROWS + 4)
    await world.open()
  })

  it('leaves no hole where a write failed', async () => {
    const world = await filled(2)
    world.store.fault = new Error('no space') as never
    await world.put(1, 1).catch(() => undefined)
    await world.ledger.recover(world.reopen())
    await world.put(1, 2)
    expect(journalKeys(world)).toHaveLength(3)
    await world.open()
  })
})
