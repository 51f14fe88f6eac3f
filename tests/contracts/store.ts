// What every Store promises; a new store passes this suite and is then trusted by everything above.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareBytes, toHex } from '../../crypto/index.ts'
import type { Store } from '../../node/store.ts'

export interface StoreHarness {
  /** Opens the same store again after `close`. */
  readonly open: () => Promise<Store>
}

/** `fresh` gives a harness over a new, empty store. */
export function describeStore(name: string, fresh: () => Promise<StoreHarness>): void {
  describe(`${name} keeps the contract of a store`, () => {
    const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

    it('answers undefined for what is not there, and one answer per key', async () => {
      const store = await (await fresh()).open()
      await store.write([{ key: bytes(1), value: bytes(10) }])
      expect(await store.get([bytes(2), bytes(1), bytes(1)])).toEqual([
        undefined,
        bytes(10),
        bytes(10),
      ])
      expect(await store.get([])).toEqual([])
      await store.close()
    })

    it('tells an empty value from an absent one', async () => {
      const store = await (await fresh()).open()
      await store.write([{ key: bytes(1), value: bytes() }])
      expect(await store.get([bytes(1)])).toEqual([bytes()])
      await store.write([{ key: bytes(1), value: undefined }])
      expect(await store.get([bytes(1)])).toEqual([undefined])
      await store.close()
    })

    it('gives plain byte arrays, whose slices share nothing', async () => {
      const store = await (await fresh()).open()
      await store.write([{ key: bytes(1, 2), value: bytes(1, 2, 3) }])
      const [value] = await store.get([bytes(1, 2)])
      expect(value?.constructor).toBe(Uint8Array)
      const [row] = await store.range({ from: bytes(), to: bytes(9), limit: 1 })
      expect(row?.[0].constructor).toBe(Uint8Array)
      value?.fill(7)
      expect(await store.get([bytes(1, 2)])).toEqual([bytes(1, 2, 3)])
      await store.close()
    })

    it('takes the last of several writes to one key of a batch', async () => {
      const store = await (await fresh()).open()
      await store.write([
        { key: bytes(1), value: bytes(1) },
        { key: bytes(1), value: undefined },
        { key: bytes(1), value: bytes(3) },
      ])
      expect(await store.get([bytes(1)])).toEqual([bytes(3)])
      await store.close()
    })

    it('keeps what was written when it is closed and opened again', async () => {
      const harness = await fresh()
      const store = await harness.open()
      await store.write([{ key: bytes(5), value: bytes(6) }])
      await store.close()
      const again = await harness.open()
      expect(await again.get([bytes(5)])).toEqual([bytes(6)])
      await again.close()
    })

    it('refuses to work once closed', async () => {
      const store = await (await fresh()).open()
      await store.close()
      await store.close()
      await expect(store.get([bytes(1)])).rejects.toBeInstanceOf(Error)
      await expect(store.write([{ key: bytes(1), value: bytes(1) }])).rejects.toBeInstanceOf(Error)
    })

    it('ranges like a sorted map over any writes', async () => {
      const key = fc.uint8Array({ minLength: 1, maxLength: 3, max: 3 })
      const write = fc.record({ key, value: fc.option(key, { nil: undefined }) })
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(write, { maxLength: 8 }), { maxLength: 6 }),
          key,
          key,
          fc.integer({ min: 1, max: 5 }),
          fc.boolean(),
          async (batches, from, to, limit, reverse) => {
            const store = await (await fresh()).open()
            const model = new Map<string, readonly [Uint8Array, Uint8Array]>()
            for (const batch of batches) {
              await store.write(batch)
              for (const { key, value } of batch) {
                if (value === undefined) model.delete(toHex(key))
                else model.set(toHex(key), [key, value])
              }
            }
            const inside = [...model.values()]
              .filter(([k]) => compareBytes(k, from) >= 0 && compareBytes(k, to) < 0)
              .sort(([a], [b]) => compareBytes(a, b))
            if (reverse) inside.reverse()
            expect(await store.range({ from, to, limit, reverse })).toEqual(inside.slice(0, limit))
            await store.close()
          },
        ),
        { numRuns: 40 },
      )
    })
  })
}
