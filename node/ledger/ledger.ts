// One loop per profile, and no mutexes: machines run one after the other, each on what the ones
// before it left, and all that queued while a batch was being written goes into the next one.
// Nothing leaves the node before its batch is on the disk: effects, answers and events of a turn
// are released when the turn's batch is durable, and dropped with it when it is not.
import type { CryptoProvider, Random } from '../../crypto/index.ts'
import type { Change, Effect, Load, Self, Step, Table, Turn } from '../../protocol/index.ts'
import type { Clock } from '../clock.ts'
import { NodeError } from '../errors.ts'
import type { RecordStore } from '../store/record-store.ts'
import { type ChangeRow, changes, nextCursor } from './change-feed.ts'
import { Journal } from './journal.ts'
import { Overlay, mergeRows, overlayCount } from './overlay.ts'
import { RowCache } from './row-cache.ts'

export interface LedgerOptions {
  readonly records: RecordStore
  readonly clock: Clock
  readonly safeNowMs: () => number
  readonly random: Random
  readonly provider: CryptoProvider
  readonly self: Self
  readonly onEffects: (effects: readonly Effect[]) => void
  readonly onChanges: (rows: readonly ChangeRow[]) => void
  /** A batch failed: nothing after it counts. The node stops answering and reopens. */
  readonly onFailure: (error: NodeError) => void
}

type Machine<T> = (turn: Turn) => Step<T>

interface Job {
  readonly machine: Machine<unknown>
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

/** What one batch holds until it is durable. */
interface Batch {
  readonly overlay: Overlay
  readonly effects: Effect[]
  readonly rows: ChangeRow[]
  readonly settle: (() => void)[]
  readonly fail: ((error: unknown) => void)[]
}

function newBatch(): Batch {
  return { overlay: new Overlay(), effects: [], rows: [], settle: [], fail: [] }
}

/** Turns of one batch at most: bounds what one failed write can undo. */
const BATCH_MAX_TURNS = 512

export class Ledger {
  readonly #options: LedgerOptions
  #records: RecordStore
  #journal: Journal
  readonly #cache = new RowCache()
  #jobs: Job[] = []
  #open: Batch = newBatch()
  #writing: Batch | undefined
  #looping = false
  #failure: NodeError | undefined
  #nextCursor: number
  #idle: (() => void)[] = []

  private constructor(options: LedgerOptions, journal: Journal, cursor: number) {
    this.#options = options
    this.#records = options.records
    this.#journal = journal
    this.#nextCursor = cursor
  }

  /** Verifies the journal and finds the end of the change feed. */
  static async open(options: LedgerOptions): Promise<Ledger> {
    const journal = await Journal.open(options.records)
    return new Ledger(options, journal, await nextCursor(options.records))
  }

  /** The cursor after the newest change. */
  get cursor(): number {
    return this.#nextCursor
  }

  /**
   * Goes on with a store that was opened anew after a failure. What was not durable is gone, and
   * whoever waited for it was told.
   */
  async recover(records: RecordStore): Promise<void> {
    this.#journal = await Journal.open(records)
    this.#nextCursor = await nextCursor(records)
    this.#records = records
    this.#cache.clear()
    this.#failure = undefined
  }

  /** Queues a machine; resolves with its result once everything it did is durable. */
  run<T>(machine: Machine<T>): Promise<T> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return new Promise<T>((resolve, reject) => {
      this.#jobs.push({ machine, resolve: resolve as (value: unknown) => void, reject })
      void this.#loop()
    })
  }

  /** Runs a machine that only reads, on what is known now: no batch is waited for. */
  async read<T>(machine: Machine<T>): Promise<T> {
    const overlay = new Overlay()
    const { result } = await this.#drive(machine, overlay, () => {
      throw new NodeError('INTERNAL', 'a reading machine wrote')
    })
    return result
  }

  /** Resolves when nothing is queued or being written. */
  async settled(): Promise<void> {
    while (this.#jobs.length > 0 || this.#writing !== undefined || this.#looping) {
      await new Promise<void>((resolve) => this.#idle.push(resolve))
    }
  }

  async #loop(): Promise<void> {
    if (this.#looping) return
    this.#looping = true
    try {
      for (let job = this.#jobs.shift(); job !== undefined; job = this.#jobs.shift()) {
        await this.#turn(job)
        if (this.#writing === undefined || this.#open.settle.length >= BATCH_MAX_TURNS) {
          if (this.#writing !== undefined) await this.#flushed()
          this.#flush()
        }
      }
    } finally {
      this.#looping = false
      this.#wakeIdle()
    }
  }

  #wakeIdle(): void {
    const waiting = this.#idle
    this.#idle = []
    for (const wake of waiting) wake()
  }

  #flushed(): Promise<void> {
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  async #turn(job: Job): Promise<void> {
    if (this.#failure !== undefined) return job.reject(this.#failure)
    const overlay = new Overlay()
    const effects: Effect[] = []
    const said: Change[] = []
    let result: unknown
    try {
      const outcome = await this.#drive(
        job.machine,
        overlay,
        (table, place, value) => overlay.set({ table, place, value }),
        {
          effect: (effect) => void effects.push(effect),
          change: (change) => void said.push(change),
        },
      )
      result = outcome.result
    } catch (error) {
      return job.reject(error)
    }
    if (this.#failure !== undefined) return job.reject(this.#failure)
    const batch = this.#open
    for (const change of said) {
      const row = { cursor: this.#nextCursor++, atMs: this.#options.clock.nowMs(), change }
      overlay.set({
        table: changes as Table<never, unknown>,
        place: changes.place(row.cursor),
        value: row,
      })
      batch.rows.push(row)
    }
    batch.overlay.absorb(overlay)
    batch.effects.push(...effects)
    batch.settle.push(() => job.resolve(result))
    batch.fail.push(job.reject)
  }

  async #drive<T>(
    machine: Machine<T>,
    overlay: Overlay,
    write: (
      table: Table<never, unknown>,
      place: { owner: Uint8Array; order: Uint8Array },
      value: unknown,
    ) => void,
    out: Pick<Turn, 'effect' | 'change'> = { effect: () => undefined, change: () => undefined },
  ): Promise<{ readonly result: T }> {
    const { clock, random, provider, self } = this.#options
    const turn: Turn = {
      nowMs: clock.nowMs(),
      safeNowMs: this.#options.safeNowMs(),
      self,
      random,
      crypto: provider,
      put: (table, key, value) => write(table as Table<never, unknown>, table.place(key), value),
      remove: (table, key) => write(table as Table<never, unknown>, table.place(key), undefined),
      ...out,
    }
    const run = machine(turn)
    let step = run.next()
    while (step.done !== true) {
      const load = step.value
      const known = load.kind === 'get' ? this.#known(load, overlay) : undefined
      step = run.next(known !== undefined ? known.value : await this.#load(load, overlay))
    }
    return { result: step.value }
  }

  #overlays(overlay: Overlay): readonly Overlay[] {
    return this.#writing === undefined
      ? [this.#open.overlay, overlay]
      : [this.#writing.overlay, this.#open.overlay, overlay]
  }

  /** The value of a get without the disk, where a turn, a batch or the cache has it. */
  #known(load: Load & { kind: 'get' }, overlay: Overlay): { readonly value: unknown } | undefined {
    const written =
      overlay.at(load.table, load.place) ??
      this.#open.overlay.at(load.table, load.place) ??
      this.#writing?.overlay.at(load.table, load.place)
    return written ?? this.#cache.get(load.table, load.place)
  }

  async #load(load: Load, overlay: Overlay): Promise<unknown> {
    const records = this.#records
    if (load.kind === 'get') {
      const epoch = this.#cache.epoch
      const value = await records.get(load.table, load.place)
      const newer = this.#known(load, overlay)
      if (newer !== undefined) return newer.value
      if (epoch === this.#cache.epoch) this.#cache.set(load.table, load.place, value)
      return value
    }
    const { table, query } = load
    const before = this.#overlays(overlay)
    const stored = await records.range(table, {
      ...query,
      limit: query.limit + overlayCount(before, table, query),
    })
    // `before` still holds a batch that became durable during the read: merging it again is harmless.
    return mergeRows(stored, before, table, query)
  }

  #flush(): void {
    const batch = this.#open
    if (batch.settle.length === 0) return
    this.#open = newBatch()
    this.#writing = batch
    void this.#write(batch)
  }

  async #write(batch: Batch): Promise<void> {
    const records = this.#records
    try {
      const writes = []
      for (const { table, place, value } of batch.overlay.values()) {
        writes.push(records.seal(table, place, value))
      }
      await records.write([...writes, ...this.#journal.next(writes)])
    } catch (cause) {
      return this.#failed(batch, cause)
    }
    this.#cache.absorb(batch.overlay)
    this.#writing = undefined
    for (const settle of batch.settle) settle()
    if (batch.rows.length > 0) this.#options.onChanges(batch.rows)
    if (batch.effects.length > 0) this.#options.onEffects(batch.effects)
    this.#wakeIdle()
    if (!this.#looping) this.#flush()
  }

  #failed(batch: Batch, cause: unknown): void {
    const error =
      cause instanceof NodeError
        ? cause
        : new NodeError('STORE_FAILED', 'the profile cannot be written', { cause, retryable: true })
    this.#failure = error
    const dropped = [batch, this.#open]
    const jobs = this.#jobs
    this.#jobs = []
    this.#open = newBatch()
    this.#writing = undefined
    this.#cache.clear()
    for (const { fail } of dropped) for (const reject of fail) reject(error)
    for (const job of jobs) job.reject(error)
    this.#wakeIdle()
    this.#options.onFailure(error)
  }
}
