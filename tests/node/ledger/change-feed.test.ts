import { beforeEach, describe, expect, it } from 'vitest'
import { EMPTY, encodeText } from '../../../crypto/index.ts'
import { type ChangeRow, changes, trimChanges } from '../../../node/ledger/change-feed.ts'
import {
  CHANGES_KEEP_MS,
  CHANGES_MAX_ROWS,
  WARNING_MAX_BYTES,
} from '../../../node/ledger/limits.ts'
import { type Change, range } from '../../../protocol/index.ts'
import { LedgerWorld, warning } from '../../support/ledger-world.ts'
import { bytesOf } from '../../support/relay-world.ts'

let world: LedgerWorld

beforeEach(async () => {
  world = new LedgerWorld()
  await world.open()
})

const say = (...said: readonly Change[]): Promise<void> =>
  world.ledger.run(function* (turn) {
    for (const change of said) turn.change(change)
  })
const rows = (): Promise<readonly ChangeRow[]> =>
  world.ledger.read(function* () {
    return (yield* range(changes, { owner: EMPTY, limit: 1_000 })).map(({ value }) => value)
  })
const trim = (limit = 100): Promise<number> => world.ledger.run((turn) => trimChanges(turn, limit))

describe('the change feed', () => {
  it('gives back every kind of change as it was said', async () => {
    const [conversation, entry, author] = [bytesOf('c'), bytesOf('e'), bytesOf('a')]
    const said: readonly Change[] = [
      { kind: 'message', conversation, entry, mine: true, arrival: 3, open: false, late: true },
      { kind: 'state', conversation, entry, state: 'delivered' },
      { kind: 'contact', account: author, state: 'ready' },
      { kind: 'gap', conversation, author, from: 1, to: 4, missing: true },
      warning('a text'),
      { kind: 'placed', conversation, entry, late: false },
      { kind: 'body', conversation, entry },
      { kind: 'fork', conversation, author, n: 9 },
      { kind: 'contradiction', conversation, entry },
      { kind: 'seen', conversation, arrival: 12 },
      { kind: 'irretrievable', conversation, author, from: 2, to: 2 },
    ]
    await say(...said)
    await world.open()
    expect((await rows()).map((row) => row.change)).toEqual(said)
    expect((await rows()).map((row) => row.cursor)).toEqual(said.map((_, i) => i + 1))
  })

  it('cuts a warning to what a row holds, between characters', async () => {
    await say(warning('€'.repeat(WARNING_MAX_BYTES)), warning('lone \ud800 surrogate'))
    await world.open()
    const [long, lone] = (await rows()).map((row) => (row.change as { text: string }).text)
    expect(encodeText(long!).length).toBeLessThanOrEqual(WARNING_MAX_BYTES)
    expect(long).toMatch(/^€+$/)
    expect(lone).toBe('lone \ufffd surrogate')
  })

  it('keeps rows for 30 days by the guarded clock, whatever the wall clock says', async () => {
    // The guarded clock of this world is its wall clock: rows of the past, rows of now.
    await say(warning('old'))
    world.time.skipTo(CHANGES_KEEP_MS)
    await say(warning('young'), warning('newest'))
    expect(await trim()).toBe(0)
    world.time.skipTo(CHANGES_KEEP_MS + 1)
    expect(await trim()).toBe(1)
    expect((await rows()).map((row) => row.cursor)).toEqual([2, 3])
  })

  it('keeps the newest row for ever, so that cursors go on after a restart', async () => {
    await say(warning('one'), warning('two'))
    world.time.skipTo(10 * CHANGES_KEEP_MS)
    expect(await trim()).toBe(1)
    expect(await trim()).toBe(0)
    const ledger = await world.open()
    expect(ledger.cursor).toBe(3)
    await say(warning('three'))
    expect((await rows()).map((row) => row.cursor)).toEqual([2, 3])
  })

  it('is trimmed in bounded steps', async () => {
    await say(...Array.from({ length: 25 }, (_, i) => warning(String(i))))
    world.time.skipTo(2 * CHANGES_KEEP_MS)
    const steps = [await trim(10), await trim(10), await trim(10)]
    expect(steps).toEqual([10, 10, 4])
    expect(await rows()).toHaveLength(1)
  })

  it('keeps no more than its bound of rows', async () => {
    await say(warning('first'))
    // Rows written beside the Ledger: a hundred thousand turns would test patience alone.
    const put = (cursor: number) =>
      world.records.seal(changes as never, changes.place(cursor), {
        cursor,
        atMs: 0,
        safeAtMs: world.time.elapsedMs + 1e15,
        change: warning('row'),
      } satisfies ChangeRow)
    await world.records.write([put(2), put(CHANGES_MAX_ROWS), put(CHANGES_MAX_ROWS + 2)])
    await world.open()
    expect(await trim()).toBe(2)
    expect((await rows())[0]?.cursor).toBe(CHANGES_MAX_ROWS)
  })
})
