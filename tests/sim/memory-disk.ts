// A disk that forgets what was not synced. A write is in the air until its sync is done; a crash
// keeps what was synced and a prefix of what was in the air, batch by batch, as LevelDB's log does.
import type { Clock } from '../../node/clock.ts'
import { NodeError } from '../../node/errors.ts'
import { SortedMap } from '../../node/store/sorted-map.ts'
import type { Store, StoreRange, StoreWrite } from '../../node/store.ts'
import type { Prng } from './prng.ts'

export interface DiskSettings {
  /** The shortest and the longest time a read takes. */
  readonly readMs: readonly [number, number]
  /** The same for a synced write. */
  readonly syncMs: readonly [number, number]
  /** Sometimes a sync takes a hundred times as long. */
  readonly slowSyncChance: number
  /** Keys and values in all; above it writes fail with DISK_FULL. */
  readonly capacityBytes: number
}

export const QUICK_DISK: DiskSettings = {
  readMs: [0, 0],
  syncMs: [1, 3],
  slowSyncChance: 0,
  capacityBytes: Number.POSITIVE_INFINITY,
}

interface Flight {
  readonly batch: readonly StoreWrite[]
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

export class MemoryDisk {
  /** May be replaced at any time: a disk fills up, slows down, gets space. */
  settings: DiskSettings
  readonly #prng: Prng
  readonly #image = new SortedMap()
  readonly #onWrite: (batch: readonly StoreWrite[]) => void
  #flights: Flight[] = []
  #lastSyncMs = 0
  #mount: symbol | undefined

  constructor(
    prng: Prng,
    settings: DiskSettings = QUICK_DISK,
    onWrite: (batch: readonly StoreWrite[]) => void = () => undefined,
  ) {
    this.#prng = prng
    this.settings = settings
    this.#onWrite = onWrite
  }

  /** What a power cut leaves for certain. */
  get rows(): readonly (readonly [key: Uint8Array, value: Uint8Array])[] {
    return this.#image.rows()
  }

  get sizeBytes(): number {
    return this.#image.sizeBytes
  }

  /** What is durable under one key. */
  peek(key: Uint8Array): Uint8Array | undefined {
    return this.#image.get(key)
  }

  /** What is durable in a range. */
  peekRange(query: StoreRange): ReturnType<SortedMap['range']> {
    return this.#image.range(query)
  }

  /** A copy of all that is durable: what a backup taken now would hold. */
  copy(): readonly StoreWrite[] {
    return this.#image.rows().map(([key, value]) => ({ key, value }))
  }

  /** Puts a copy in the place of what is there. Only while nobody has it open. */
  restore(copy: readonly StoreWrite[]): void {
    if (this.#mount !== undefined) throw new Error('the disk is in use')
    this.#image.apply(this.#image.rows().map(([key]) => ({ key, value: undefined })))
    this.#image.apply(copy)
  }

  /** Opens the store on it. Rejects with LOCKED while another has it open. */
  async open(clock: Clock): Promise<Store> {
    if (this.#mount !== undefined) throw new NodeError('LOCKED', 'another process has it open')
    const mount = Symbol('mount')
    this.#mount = mount
    let broken = false
    const check = (): void => {
      if (this.#mount !== mount) throw new NodeError('ABORTED', 'the store is closed')
    }
    return {
      get: async (keys) => {
        check()
        await clock.sleep(this.#between(this.settings.readMs))
        return keys.map((key) => this.#image.get(key))
      },
      range: async (query: StoreRange) => {
        check()
        await clock.sleep(this.#between(this.settings.readMs))
        return this.#image.range(query)
      },
      write: async (batch) => {
        check()
        if (broken) throw new NodeError('DISK_FULL', 'the store stopped at an earlier error')
        try {
          await this.#write(clock, mount, batch)
        } catch (error) {
          // As LevelDB: after an error of the disk nothing is written until it is opened anew.
          broken = true
          throw error
        }
      },
      close: async () => {
        if (this.#mount !== mount) return
        while (this.#flights.length > 0) await clock.sleep(1)
        if (this.#mount === mount) this.#mount = undefined
      },
    }
  }

  async #write(clock: Clock, mount: symbol, batch: readonly StoreWrite[]): Promise<void> {
    const copy = batch.map(({ key, value }) => ({ key: key.slice(), value: value?.slice() }))
    const size = copy.reduce((sum, { key, value }) => sum + key.length + (value?.length ?? 0), 0)
    if (this.#image.sizeBytes + size > this.settings.capacityBytes) {
      throw new NodeError('DISK_FULL', 'no space left', { retryable: true })
    }
    const slow = this.#prng.chance(this.settings.slowSyncChance) ? 100 : 1
    const nowMs = clock.monotonicMs()
    // One log: syncs are done in the order of the writes.
    this.#lastSyncMs = Math.max(
      this.#lastSyncMs,
      nowMs + slow * this.#between(this.settings.syncMs),
    )
    await new Promise<void>((resolve, reject) => {
      const flight: Flight = { batch: copy, resolve, reject }
      this.#flights.push(flight)
      clock.after(this.#lastSyncMs - nowMs, () => {
        if (this.#mount === mount && this.#flights[0] === flight) this.#land(flight)
      })
    })
  }

  #land(flight: Flight): void {
    this.#flights.shift()
    this.#image.apply(flight.batch)
    this.#onWrite(flight.batch)
    flight.resolve()
  }

  #between([min, max]: readonly [number, number]): number {
    return min === max ? min : this.#prng.integer(min * 1000, max * 1000) / 1000
  }

  /**
   * Power cut, or kill -9 where `keepsAll`: the kernel then still writes what it was given. Promises
   * in the air never settle. Returns how many of the batches in the air are on the disk.
   */
  crash(options: { readonly keepsAll?: boolean } = {}): number {
    const kept =
      options.keepsAll === true ? this.#flights.length : this.#prng.integer(0, this.#flights.length)
    for (const { batch } of this.#flights.slice(0, kept)) {
      this.#image.apply(batch)
      this.#onWrite(batch)
    }
    this.#flights = []
    this.#lastSyncMs = 0
    this.#mount = undefined
    return kept
  }

  /** Flips one bit of one value; returns its key, undefined on an empty disk. */
  rot(): Uint8Array | undefined {
    const candidates = this.#image.rows().filter(([, value]) => value.length > 0)
    if (candidates.length === 0) return undefined
    const [key, value] = this.#prng.pick(candidates)
    const damaged = value.slice()
    const at = this.#prng.integer(0, damaged.length - 1)
    damaged[at] = (damaged[at] ?? 0) ^ (1 << this.#prng.integer(0, 7))
    this.#image.apply([{ key, value: damaged }])
    return key
  }
}

/** What a disk has for certain, to be read: what a power cut at this instant would leave. */
export function imageOf(disk: MemoryDisk): Store {
  const refuse = (): Promise<never> => Promise.reject(new Error('an image is only read'))
  return {
    get: (keys) => Promise.resolve(keys.map((key) => disk.peek(key))),
    range: (query) => Promise.resolve(disk.peekRange(query)),
    write: refuse,
    close: () => Promise.resolve(),
  }
}
