import * as fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { u32 } from '../../../crypto/index.ts'
import type { Ledger } from '../../../node/ledger/ledger.ts'
import { QUEUE_MAX_TURNS, WHOLE_OWNER_MAX_ROWS } from '../../../node/ledger/limits.ts'
import { placeKey } from '../../../node/ledger/place-key.ts'
import { RangeCache } from '../../../node/ledger/range-cache.ts'
import { RowCache } from '../../../node/ledger/row-cache.ts'
import { type Table, get, range } from '../../../protocol/index.ts'
import {
  LedgerWorld,
  full,
  numbers,
  numbersOf,
  quiet,
  warning,
} from '../../support/ledger-world.ts'

let world: LedgerWorld
let ledger: Ledger

beforeEach(async () => {
  world = new LedgerWorld()
  ledger = await world.open()
})

const read = (key: number): Promise<number | undefined> => ledger.read(() => get(numbers, key))
const all = (limit = 100): Promise<readonly number[]> =>
  ledger.read(function* () {
    return (yield* range(numbers, { owner: numbersOf, limit })).map((row) => row.value)
  })

describe('a turn', () => {
  it('sees what the turns before it left, before any of it is durable', async () => {
    world.store.holds = true
    const first = world.put(1, 10)
    const second = ledger.run(function* (turn) {
      const before = (yield* get(numbers, 1)) ?? 0
      turn.put(numbers, 1, before + 1)
      return yield* get(numbers, 1)
    })
    await quiet()
    await world.store.held[0]?.land()
    await quiet()
    await world.store.held[1]?.land()
    expect(await first).toBe(10)
    expect(await second).toBe(11)
  })

  it('that throws leaves nothing: no write, no effect, no event, no cursor', async () => {
    const thrown = ledger.run(function* (turn) {
      turn.put(numbers, 1, 1)
      turn.effect({ kind: 'publish' })
      turn.change(warning('never'))
      throw new Error('undone')
    })
    await expect(thrown).rejects.toThrow('undone')
    await ledger.run(function* (turn) {
      turn.change(warning('first'))
    })
    expect(await read(1)).toBeUndefined()
    expect(world.log).toEqual(['change 1 first'])
  })

  it('whose value has no encoding fails alone, and the store is not blamed', async () => {
    const bad = ledger.run(function* (turn) {
      turn.put(numbers, 1, -1)
    })
    const good = world.put(2, 2)
    await expect(bad).rejects.toThrow('no encoding')
    expect(await good).toBe(2)
    expect(world.failures).toEqual([])
  })

  it('is answered, and its events and effects let out, when it is durable, in that order', async () => {
    world.store.holds = true
    const one = ledger
      .run(function* (turn) {
        turn.put(numbers, 1, 1)
        turn.change(warning('one'))
        turn.effect({ kind: 'publish' })
      })
      .then(() => world.log.push('answer one'))
    await quiet()
    expect(world.log).toEqual([])
    expect(ledger.cursor).toBe(1)
    await world.store.held[0]?.land()
    await one
    expect(world.log).toEqual(['change 1 one', 'effect publish', 'answer one'])
    expect(ledger.cursor).toBe(2)
  })

  it('that writes nothing costs no write, and still waits for what it may have seen', async () => {
    await world.put(1, 1)
    const before = world.store.writes
    await ledger.run(() => get(numbers, 1))
    expect(world.store.writes).toBe(before)
    world.store.holds = true
    void world.put(2, 2)
    let answered = false
    const looked = ledger.run(() => get(numbers, 2)).finally(() => (answered = true))
    await quiet()
    expect(answered).toBe(false)
    await world.store.held[0]?.land()
    expect(await looked).toBe(2)
  })

  it('shares a write with all that queued while another was under way', async () => {
    world.store.holds = true
    const turns = Array.from({ length: 40 }, (_, i) => world.put(i, i))
    await quiet()
    await world.store.held[0]?.land()
    await quiet()
    await world.store.held[1]?.land()
    await Promise.all(turns)
    expect(world.store.writes).toBe(2)
  })

  it('is refused with BUSY beyond the bound, and those before it are carried out', async () => {
    world.store.holds = true
    const first = world.put(0, 0)
    // The one that runs has left the queue; 512 turns fill the batch that waits, the rest queue.
    const turns = Array.from({ length: QUEUE_MAX_TURNS + 600 }, (_, i) =>
      world.put(i, i).then(
        () => 'done',
        (error: { code: string }) => error.code,
      ),
    )
    await quiet()
    world.store.holds = false
    await world.store.held[0]?.land()
    const outcomes = await Promise.all(turns)
    await first
    expect(outcomes.filter((one) => one === 'BUSY').length).toBeGreaterThan(0)
    expect(outcomes.filter((one) => one === 'done').length).toBeGreaterThanOrEqual(QUEUE_MAX_TURNS)
    expect(await world.put(1, 5)).toBe(5)
  })

  it('goes on when what is told of it throws', async () => {
    world.onEffects = () => {
      throw new Error('a defect of the node')
    }
    await ledger.run(function* (turn) {
      turn.put(numbers, 1, 1)
      turn.effect({ kind: 'publish' })
    })
    expect(await world.put(2, 2)).toBe(2)
    expect(world.defects).toHaveLength(1)
  })
})

describe('a range', () => {
  const plain = numbers

  it('equals the sorted model whatever is on the disk, being written, waiting or own', async () => {
    const write = fc.tuple(fc.nat(12), fc.option(fc.nat(99), { nil: undefined }))
    const layer = fc.array(write, { maxLength: 8 })
    const query = fc.record({
      from: fc.option(fc.nat(12), { nil: undefined }),
      to: fc.option(fc.nat(13), { nil: undefined }),
      limit: fc.integer({ min: 1, max: 14 }),
      reverse: fc.boolean(),
    })
    const habit = fc.record({
      rows: fc.constantFrom(undefined, 'few' as const, 'rare' as const),
      asked: fc.boolean(),
    })
    const property = fc.asyncProperty(layer, layer, layer, layer, query, habit, async (...args) => {
      const [durable, writing, waiting, own, { from, to, limit, reverse }, { rows: kind, asked }] =
        args
      const numbers: Table<number, number> = { ...plain, ...(kind && { rows: kind }) }
      world = new LedgerWorld()
      ledger = await world.open()
      const model = new Map<number, number>()
      const apply = (writes: readonly (readonly [number, number | undefined])[]) =>
        ledger.run(function* (turn) {
          for (const [key, value] of writes) {
            if (value === undefined) turn.remove(numbers, key)
            else turn.put(numbers, key, value)
          }
        })
      // Whoever asked before has filled the caches.
      if (asked) await ledger.read(() => range(numbers, { owner: numbersOf, limit: 3 }))
      await apply(durable)
      if (asked) await ledger.read(() => range(numbers, { owner: numbersOf, limit: 3 }))
      world.store.holds = true
      const pending = [apply(writing)]
      await quiet()
      pending.push(apply(waiting))
      for (const [key, value] of [...durable, ...writing, ...waiting, ...own]) {
        if (value === undefined) model.delete(key)
        else model.set(key, value)
      }
      const wanted = {
        owner: numbersOf,
        ...(from === undefined ? {} : { from: u32(from) }),
        ...(to === undefined ? {} : { to: u32(to) }),
        limit,
        reverse,
      }
      const rows = ledger.run(function* (turn) {
        for (const [key, value] of own) {
          if (value === undefined) turn.remove(numbers, key)
          else turn.put(numbers, key, value)
        }
        return yield* range(numbers, wanted)
      })
      // The batch lands while the range is being read.
      world.store.beforeRead = async () => {
        world.store.beforeRead = () => Promise.resolve()
        await world.store.held.shift()?.land()
      }
      const landing = setInterval(() => void world.store.held.shift()?.land(), 1)
      const found = (await rows).map(({ value }) => value)
      await Promise.all(pending)
      clearInterval(landing)
      const keys = [...model.keys()]
        .filter((key) => (from === undefined || key >= from) && (to === undefined || key < to))
        .sort((a, b) => (reverse ? b - a : a - b))
      const expected = keys.slice(0, limit).map((key) => model.get(key))
      expect(found).toEqual(expected)
      // Durable now, and read beside the loop: by what the caches know of it, and by the disk.
      world.store.holds = false
      await apply([])
      const again = await ledger.read(() => range(numbers, wanted))
      expect(again.map(({ value }) => value)).toEqual(expected)
      for (let key = 0; key <= 12; key++) {
        expect(await ledger.read(() => get(numbers, key))).toBe(model.get(key))
      }
      const { records } = world
      const stored = await records.range(numbers as never, { ...wanted, reverse: false, limit: 99 })
      expect(stored.map(({ value }) => value)).toEqual(
        keys.toSorted((a, b) => a - b).map((key) => model.get(key)),
      )
    })
    await fc.assert(property, { numRuns: 150 })
  })
})

describe('a read', () => {
  it('sees nothing that is not durable', async () => {
    world.store.holds = true
    const put = world.put(1, 1)
    await quiet()
    expect(await read(1)).toBeUndefined()
    expect(await all()).toEqual([])
    await world.store.held[0]?.land()
    await put
    expect(await read(1)).toBe(1)
    expect(await all()).toEqual([1])
  })

  it('is refused when it writes, beside the loop and in it', async () => {
    const writes = ledger.read(function* (turn) {
      turn.put(numbers, 1, 1)
    })
    await expect(writes).rejects.toMatchObject({ code: 'INTERNAL' })
    await expect(read(1)).resolves.toBeUndefined()
  })

  it('sees one moment: what lands between two of its loads makes it begin again', async () => {
    await ledger.run(function* (turn) {
      turn.put(numbers, 1, 1)
      turn.put(numbers, 2, 1)
    })
    ledger = await world.open()
    let landed = 0
    world.store.beforeRead = async () => {
      if (landed++ > 0) return
      await ledger.run(function* (turn) {
        turn.put(numbers, 1, 2)
        turn.put(numbers, 2, 2)
      })
    }
    const pair = await ledger.read(function* () {
      return [yield* get(numbers, 1), yield* get(numbers, 2)]
    })
    expect(pair[0]).toBe(pair[1])
  })

  it('takes its place in the queue where batches never stop landing', async () => {
    await world.put(1, 0)
    ledger = await world.open()
    let landed = 0
    world.store.beforeRead = async () => {
      // Two loads an attempt, three attempts beside the loop: each is overtaken.
      if (landed >= 6) return
      landed += 1
      const next = landed
      await ledger.run(function* (turn) {
        for (const key of [1, 2]) turn.put(numbers, key, next)
      })
    }
    const [one, other] = await ledger.read(function* () {
      const one = yield* range(numbers, { owner: numbersOf, limit: 1 })
      const other = yield* range(numbers, { owner: numbersOf, from: u32(2), limit: 1 })
      return [one[0]?.value, other[0]?.value]
    })
    expect(landed).toBe(6)
    expect(one).toBe(6)
    expect(one).toBe(other)
  })
})

describe('a batch that fails', () => {
  const failing = async (): Promise<void> => {
    world.store.holds = true
    await quiet()
  }

  it('fails all that rests on it, and nothing of them is left', async () => {
    await world.put(1, 1)
    await failing()
    const codes: unknown[] = []
    const note = (promise: Promise<unknown>): Promise<unknown> =>
      promise.then(
        () => codes.push('done'),
        (error: { code: string }) => codes.push(error.code),
      )
    const written = note(
      ledger.run(function* (turn) {
        turn.put(numbers, 1, 2)
        turn.change(warning('lost'))
        turn.effect({ kind: 'publish' })
      }),
    )
    await quiet()
    const rests = note(
      ledger.run(function* (turn) {
        turn.put(numbers, 2, ((yield* get(numbers, 1)) ?? 0) * 10)
      }),
    )
    const looks = note(ledger.run(() => get(numbers, 1)))
    await quiet()
    world.store.held[0]?.fail(full)
    await Promise.all([written, rests, looks])
    expect(codes).toEqual(['DISK_FULL', 'DISK_FULL', 'DISK_FULL'])
    expect(world.log).toEqual([])
    expect(world.failures).toEqual([full])
    expect(await read(1)).toBe(1)
    expect(await read(2)).toBeUndefined()
    await expect(world.put(3, 3)).rejects.toBe(full)
  })

  it('is recovered from on a store opened anew: cursors neither skip nor repeat', async () => {
    const say = (text: string): Promise<void> =>
      ledger.run(function* (turn) {
        turn.change(warning(text))
      })
    await say('one')
    await failing()
    const lost = say('lost').catch(() => undefined)
    await quiet()
    world.store.held[0]?.fail(full)
    await lost
    expect(ledger.cursor).toBe(2)
    await ledger.recover(world.reopen())
    await say('two')
    expect(world.log).toEqual(['change 1 one', 'change 2 two'])
    expect(ledger.cursor).toBe(3)
    const again = await world.open()
    expect(again.cursor).toBe(3)
  })

  it('undoes a turn that was still reading when it failed, also after the recovery', async () => {
    await world.put(1, 1)
    ledger = await world.open()
    await failing()
    const lost = world.put(2, 2).catch(() => undefined)
    await quiet()
    let go: () => void = () => undefined
    const gate = new Promise<void>((resolve) => (go = resolve))
    world.store.beforeRead = () => gate
    const slow = ledger.run(function* (turn) {
      const two = yield* get(numbers, 2)
      yield* get(numbers, 1)
      turn.put(numbers, 3, two ?? -1)
    })
    slow.catch(() => undefined)
    await quiet()
    world.store.held[0]?.fail(full)
    await lost
    await ledger.recover(world.reopen())
    go()
    await expect(slow).rejects.toMatchObject({
      code: expect.stringMatching(/DISK_FULL|STORE_FAILED/),
    })
    expect(await read(3)).toBeUndefined()
    expect(await world.put(4, 4)).toBe(4)
  })

  it('is told with the failure where the closed store is read meanwhile', async () => {
    await failing()
    const lost = world.put(1, 1).catch(() => undefined)
    await quiet()
    world.store.held[0]?.fail(full)
    await lost
    await world.records.close()
    await expect(read(1)).rejects.toBe(full)
  })
})

describe('the cache', () => {
  it('holds bounded bytes, however large the records are', async () => {
    const cache = new RowCache(100_000)
    const keyOf = (i: number) => placeKey(numbers as never, numbers.place(i))
    for (let i = 0; i < 50; i++) {
      cache.set(keyOf(i), i, 48_000)
      expect(cache.sizeBytes).toBeLessThanOrEqual(100_000)
    }
    expect(cache.get(keyOf(49))).toMatchObject({ value: 49 })
    expect(cache.get(keyOf(0))).toBeUndefined()
    cache.set(keyOf(49), 50, 10)
    cache.clear()
    expect(cache.sizeBytes).toBe(0)
  })

  it('keeps what is used, and never tells what was replaced', () => {
    const cache = new RowCache(100_000)
    const keyOf = (i: number) => placeKey(numbers as never, numbers.place(i))
    cache.set(keyOf(0), 'first', 10)
    for (let i = 1; i < 2_000; i++) {
      cache.set(keyOf(i), i, 10)
      expect(cache.get(keyOf(0))).toMatchObject({ value: 'first' })
    }
    expect(cache.get(keyOf(1))).toBeUndefined()
    cache.set(keyOf(0), 'second', 10)
    for (let i = 1; i < 150; i++) cache.set(keyOf(i), i, 10)
    expect(cache.get(keyOf(0))?.value ?? 'second').toBe('second')
    // Too large for it: forgotten, with what was known before.
    cache.set(keyOf(0), 'large', 60_000)
    expect(cache.get(keyOf(0))).toBeUndefined()
  })

  it('remembers that a record is not there', async () => {
    expect(await read(1)).toBeUndefined()
    world.store.beforeRead = () => Promise.reject(new Error('asked the disk again'))
    expect(await read(1)).toBeUndefined()
  })
})

describe('the cache of ranges', () => {
  const few = { ...numbers, rows: 'few' as const }
  const rare = { ...numbers, rows: 'rare' as const }
  const noDisk = (): void => {
    world.store.beforeRead = () => Promise.reject(new Error('asked the disk again'))
  }
  const allOf = (table: typeof numbers) =>
    ledger.read(function* () {
      const rows = yield* range(table, { owner: numbersOf, limit: 9_999 })
      return rows.map(({ value }) => value)
    })
  const putAll = (table: typeof numbers, count: number) =>
    ledger.run(function* (turn) {
      for (let i = 0; i < count; i++) turn.put(table, i, i)
    })

  it('answers every range and every absent record of an owner that was read whole', async () => {
    await putAll(few, 3)
    expect(await allOf(few)).toEqual([0, 1, 2])
    noDisk()
    await ledger.run(function* (turn) {
      turn.remove(few, 1)
      turn.put(few, 7, 7)
    })
    expect(await allOf(few)).toEqual([0, 2, 7])
    expect(await ledger.read(() => get(few, 5))).toBeUndefined()
  })

  it('answers nothing for an owner that outgrew it', async () => {
    expect(await allOf(few)).toEqual([])
    await putAll(few, WHOLE_OWNER_MAX_ROWS + 1)
    expect(await allOf(few)).toHaveLength(WHOLE_OWNER_MAX_ROWS + 1)
    noDisk()
    await expect(allOf(few)).rejects.toThrow('asked the disk again')
  })

  it('answers for a rare table while it is empty', async () => {
    expect(await allOf(rare)).toEqual([])
    noDisk()
    expect(await allOf(rare)).toEqual([])
    expect(await ledger.read(() => get(rare, 1))).toBeUndefined()
    await putAll(rare, 2)
    await expect(allOf(rare)).rejects.toThrow('asked the disk again')
    world.store.beforeRead = () => Promise.resolve()
    expect(await allOf(rare)).toEqual([0, 1])
  })

  it('forgets all of it when a batch fails', async () => {
    await putAll(few, 2)
    expect(await allOf(few)).toEqual([0, 1])
    world.store.fault = full
    await putAll(few, 3).catch(() => undefined)
    await ledger.recover(world.reopen())
    const before = world.store.reads
    expect(await allOf(few)).toEqual([0, 1])
    expect(world.store.reads).toBeGreaterThan(before)
  })

  it('holds bounded bytes, and no row of an owner it let go', () => {
    const cache = new RangeCache(100_000)
    for (let i = 0; i < 50; i++) {
      const rows = [{ order: u32(1), value: i, sizeBytes: 30_000 }]
      cache.take(few as never, u32(i), rows)
      expect(cache.sizeBytes).toBeLessThanOrEqual(100_000)
    }
    expect(cache.range(few as never, { owner: u32(49), limit: 5 })).toHaveLength(1)
    expect(cache.range(few as never, { owner: u32(0), limit: 5 })).toBeUndefined()
    cache.clear()
    expect(cache.sizeBytes).toBe(0)
  })
})
