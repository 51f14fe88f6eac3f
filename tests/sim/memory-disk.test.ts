import { describe, expect, test } from 'vitest'
import { u32 } from '../../crypto/index.ts'
import { SortedMap } from '../../node/store/sorted-map.ts'
import { MemoryStore } from '../../node/store/memory-store.ts'
import type { Store, StoreWrite } from '../../node/store.ts'
import { describeStore } from '../contracts/store.ts'
import { MemoryDisk, QUICK_DISK } from './memory-disk.ts'
import { Prng } from './prng.ts'
import { Simulation } from './simulation.ts'

describeStore('memory', async () => {
  const map = new SortedMap()
  return { open: async () => new MemoryStore(map) }
})

/** A store whose virtual clock is driven by each call. */
function driven(simulation: Simulation, store: Store): Store {
  return {
    get: (keys) => simulation.settle(store.get(keys)),
    range: (query) => simulation.settle(store.range(query)),
    write: (batch) => simulation.settle(store.write(batch)),
    close: () => simulation.settle(store.close()),
  }
}

describeStore('the simulated disk', async () => {
  const simulation = new Simulation('store contract')
  const disk = simulation.newDisk('disk')
  return { open: async () => driven(simulation, await disk.open(simulation.clock.port())) }
})

function row(n: number, size = 8): StoreWrite[] {
  return [
    { key: u32(n), value: new Uint8Array(size).fill(n & 255) },
    { key: u32(n + 0x8000_0000), value: u32(n) },
  ]
}

interface Bench {
  readonly simulation: Simulation
  readonly disk: MemoryDisk
  readonly store: Store
}

async function bench(seed: string | number): Promise<Bench> {
  const simulation = new Simulation(seed)
  const disk = simulation.newDisk('disk')
  return { simulation, disk, store: await disk.open(simulation.clock.port()) }
}

function keysOn(disk: MemoryDisk): number[] {
  return disk.rows
    .map(([key]) => new DataView(key.buffer, key.byteOffset).getUint32(0))
    .filter((n) => n < 0x8000_0000)
}

describe('MemoryDisk', () => {
  test('a crash keeps what was acknowledged, and a prefix of what was in the air', async () => {
    const survivors = new Set<number>()
    for (let seed = 0; seed < 60; seed++) {
      const { simulation, disk, store } = await bench(seed)
      for (let n = 0; n < 5; n++) await simulation.settle(store.write(row(n)))
      const settled: number[] = []
      for (let n = 5; n < 10; n++) {
        void store.write(row(n)).then(() => settled.push(n))
      }
      await simulation.run(0.5)
      disk.crash()
      const kept = keysOn(disk)
      expect(kept).toEqual(Array.from({ length: kept.length }, (_, n) => n))
      expect(kept.length).toBeGreaterThanOrEqual(5 + settled.length)
      // A batch is there whole or not at all.
      expect(disk.rows).toHaveLength(2 * kept.length)
      survivors.add(kept.length)
      await simulation.run(60_000)
      expect(keysOn(disk)).toEqual(kept)
      expect(settled.length).toBeLessThanOrEqual(kept.length - 5)
    }
    expect([...survivors].sort((a, b) => a - b)).toEqual([5, 6, 7, 8, 9, 10])
  })

  test('kill -9 keeps all that the kernel was given', async () => {
    const { simulation, disk, store } = await bench(1)
    for (let n = 0; n < 5; n++) void store.write(row(n))
    await simulation.run(0)
    expect(disk.crash({ keepsAll: true })).toBe(5)
    expect(keysOn(disk)).toEqual([0, 1, 2, 3, 4])
  })

  test('shows a write only once it is synced', async () => {
    const { simulation, disk, store } = await bench(1)
    const written = store.write(row(1))
    expect(await simulation.settle(store.get([u32(1)]))).toEqual([undefined])
    expect(disk.rows).toHaveLength(0)
    await simulation.settle(written)
    expect(disk.rows).toHaveLength(2)
  })

  test('a full disk stops the store until it is opened anew, and loses nothing', async () => {
    const { simulation, disk, store } = await bench(1)
    disk.settings = { ...QUICK_DISK, capacityBytes: 200 }
    await simulation.settle(store.write(row(1)))
    await expect(simulation.settle(store.write(row(2, 500)))).rejects.toMatchObject({
      code: 'DISK_FULL',
    })
    disk.settings = QUICK_DISK
    await expect(simulation.settle(store.write(row(3)))).rejects.toMatchObject({
      code: 'DISK_FULL',
    })
    await simulation.settle(store.close())
    const again = await disk.open(simulation.clock.port())
    await simulation.settle(again.write(row(3)))
    expect(keysOn(disk)).toEqual([1, 3])
  })

  test('a slow sync delays the writes behind it, and keeps their order', async () => {
    const { simulation, disk, store } = await bench(1)
    disk.settings = { ...QUICK_DISK, slowSyncChance: 0.3 }
    const done: number[] = []
    for (let n = 0; n < 30; n++) void store.write(row(n)).then(() => done.push(n))
    await simulation.until(() => done.length === 30)
    expect(done).toEqual(Array.from({ length: 30 }, (_, n) => n))
    expect(simulation.clock.elapsedMs).toBeGreaterThan(100)
  })

  test('is open once at a time', async () => {
    const { simulation, disk, store } = await bench(1)
    await expect(disk.open(simulation.clock.port())).rejects.toMatchObject({ code: 'LOCKED' })
    await simulation.settle(store.close())
    await disk.open(simulation.clock.port())
  })

  test('rot flips one bit of one value', async () => {
    const { simulation, disk, store } = await bench(1)
    for (let n = 0; n < 5; n++) await simulation.settle(store.write(row(n)))
    const before = disk.rows.map(([, value]) => value)
    disk.rot()
    const bits = disk.rows.map(([, value], i) =>
      value.reduce((sum, byte, j) => {
        let difference = byte ^ (before[i]?.[j] ?? 0)
        let count = 0
        for (; difference > 0; difference >>= 1) count += difference & 1
        return sum + count
      }, 0),
    )
    expect(bits.reduce((a, b) => a + b)).toBe(1)
    expect(new MemoryDisk(new Prng(1)).rot()).toBeUndefined()
  })
})
