// One loop per profile, and no mutexes: machines run one after the other, each on what the ones
// before it left, and all that queued while a batch was being written goes into the next one.
// Nothing leaves the node before its batch is on the disk: effects, answers and events of a turn
// are released when the turn's batch is durable, and dropped with it when it is not.
import type { Change, Effect, Turn } from '../../protocol/index.ts'
import { NodeError } from '../errors.ts'
import type { RecordStore } from '../store/record-store.ts'
import { type Batch, newBatch } from './batch.ts'
import { type ChangeRow, nextCursor } from './change-feed.ts'
import { Journal } from './journal.ts'
import type { Job, LedgerOptions, Machine, Rewrite } from './job.ts'
import { BATCH_MAX_TURNS, QUEUE_MAX_TURNS, READ_ATTEMPTS } from './limits.ts'
import { Loads } from './loads.ts'
import { noteChange } from './notices.ts'
import { RecentMemory } from './memory.ts'
import { Overlay } from './overlay.ts'
import { NO_OUT, type Out, type Reader, type View, collect, overtaken } from './turns.ts'

export class Ledger {
  readonly #options: LedgerOptions
  /** Of turns, and of reads beside them: these see an earlier moment. */
  readonly #memories = { turns: new RecentMemory(), reads: new RecentMemory() }
  readonly #readers = new Set<Reader>()
  #loads: Loads
  #journal: Journal
  #jobs: Job[] = []
  #open: Batch = newBatch()
  #writing: Batch | undefined
  #looping = false
  /** Why nothing can be written now. */
  #failure: NodeError | undefined
  /** Rises with every failure: a turn of an earlier one rests on state that is gone. */
  #generation = 0
  #nextCursor: number
  #durableCursor: number
  #idle: (() => void)[] = []

  private constructor(options: LedgerOptions, journal: Journal, cursor: number) {
    this.#options = options
    this.#loads = new Loads(options.records)
    this.#journal = journal
    this.#nextCursor = cursor
    this.#durableCursor = cursor
  }

  /** Verifies the journal and finds the end of the change feed. */
  static async open(options: LedgerOptions): Promise<Ledger> {
    const journal = await Journal.open(options.records)
    return new Ledger(options, journal, await nextCursor(options.records))
  }

  /** Whether a write could work: false from a failed one until `recover`, and after `end`. */
  get writable(): boolean {
    return this.#failure === undefined
  }

  /** The cursor after the newest durable change. */
  get cursor(): number {
    return this.#durableCursor
  }

  /**
   * Goes on with a store that was opened anew after a failure. What was not durable is gone, and
   * whoever waited for it was told. Reads go to it at once, writes when `check` resolved.
   */
  async recover(records: RecordStore, check?: () => Promise<void>): Promise<void> {
    this.#journal = await Journal.open(records)
    this.#nextCursor = await nextCursor(records)
    this.#durableCursor = this.#nextCursor
    this.#loads = new Loads(records)
    this.#memories.turns.clear()
    this.#memories.reads.clear()
    await check?.()
    this.#failure = undefined
  }

  /** From now on every call is refused with this error. What queued before is carried out. */
  async end(error: NodeError): Promise<void> {
    await this.settled()
    this.#failure = error
    this.#generation += 1
  }

  /**
   * Queues a machine; resolves with its result once everything it did is durable. Rejects with what
   * the machine threw, with what the batch failed with, or with BUSY where too many turns wait.
   */
  run<T>(machine: Machine<T>): Promise<T> {
    return this.#queue(machine, false)
  }

  /**
   * Runs a machine that only reads, on what is durable at one moment: no batch is waited for. Where
   * batches that touch what it reads keep landing meanwhile, it takes its place in the queue.
   */
  async read<T>(machine: Machine<T>): Promise<T> {
    for (let attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
      const reader: Reader = { loads: [], batches: new Set(this.#writing && [this.#writing]) }
      const generation = this.#generation
      this.#readers.add(reader)
      try {
        const result = await this.#drive(machine, this.#durableView(reader), {
          ...NO_OUT,
          memory: this.#memories.reads,
        })
        if (generation === this.#generation && !overtaken(reader)) return result
      } catch (error) {
        const moved = generation !== this.#generation || overtaken(reader)
        if (!moved) throw this.#isClosed(error) ? (this.#failure ?? error) : error
      } finally {
        this.#readers.delete(reader)
      }
    }
    return this.#queue(machine, true)
  }

  /**
   * Changes how records lie in the store, not what they say: alone, between two batches. What it
   * writes must decode to what was there, since the cache stays.
   */
  async rewrite<T>(work: Rewrite<T>): Promise<T> {
    if (this.#failure !== undefined) throw this.#failure
    while (this.#looping || this.#writing !== undefined) await this.settled()
    this.#looping = true
    const batch = newBatch()
    this.#writing = batch
    try {
      const { records } = this.#loads
      const { writes, result } = await work(records)
      if (writes.length > 0) {
        try {
          await records.write([...writes, ...this.#journal.next(writes.length, new Set())])
        } catch (cause) {
          this.#failed(batch, cause)
          throw this.#lastFailure()
        }
      }
      return result
    } finally {
      if (this.#writing === batch) this.#writing = undefined
      this.#looping = false
      this.#wakeIdle()
      if (this.#jobs.length > 0) void this.#loop()
    }
  }

  /** Resolves when nothing is queued or being written. */
  async settled(): Promise<void> {
    while (this.#jobs.length > 0 || this.#writing !== undefined || this.#looping) {
      await new Promise<void>((resolve) => this.#idle.push(resolve))
    }
  }

  #isClosed(error: unknown): boolean {
    return this.#failure !== undefined && error instanceof NodeError && error.code === 'ABORTED'
  }

  #queue<T>(machine: Machine<T>, readOnly: boolean): Promise<T> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    if (this.#jobs.length >= QUEUE_MAX_TURNS) {
      return Promise.reject(
        new NodeError('BUSY', `${QUEUE_MAX_TURNS} calls wait already`, {
          hint: 'Wait for calls to finish before making more.',
          retryable: true,
        }),
      )
    }
    return new Promise<T>((resolve, reject) => {
      this.#jobs.push({ machine, readOnly, resolve: resolve as (value: unknown) => void, reject })
      void this.#loop()
    })
  }

  async #loop(): Promise<void> {
    if (this.#looping) return
    this.#looping = true
    try {
      for (let job = this.#jobs.shift(); job !== undefined; job = this.#jobs.shift()) {
        await this.#turn(job)
        if (this.#open.settle.length >= BATCH_MAX_TURNS) await this.#written()
        if (this.#writing === undefined) this.#flush()
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

  async #written(): Promise<void> {
    while (this.#writing !== undefined) {
      await new Promise<void>((resolve) => this.#idle.push(resolve))
    }
  }

  async #turn(job: Job): Promise<void> {
    if (this.#failure !== undefined) return job.reject(this.#failure)
    const generation = this.#generation
    const overlay = new Overlay()
    const effects: Effect[] = []
    const said: Change[] = []
    let result: unknown
    let thrown: { readonly error: unknown } | undefined
    try {
      const leaves = job.readOnly ? NO_OUT : collect(overlay, effects, said)
      const out = { ...leaves, memory: this.#memories.turns }
      result = await this.#drive(job.machine, this.#turnView(overlay), out)
      if (generation === this.#generation) this.#number(said, overlay)
    } catch (error) {
      thrown = { error }
    }
    // Failed while it ran: what it read may be gone, whatever it made of it.
    if (generation !== this.#generation) return job.reject(this.#lastFailure())
    if (thrown !== undefined) return job.reject(thrown.error)
    const batch = this.#open
    batch.overlay.absorb(overlay)
    for (const effect of effects) batch.effects.push(effect)
    batch.settle.push(() => job.resolve(result))
    batch.fail.push(job.reject)
  }

  #lastFailure(): NodeError {
    return (
      this.#failure ??
      new NodeError('STORE_FAILED', 'the profile was opened anew meanwhile', { retryable: true })
    )
  }

  /** Gives a turn's changes their cursors; none is used up where the encoding of one throws. */
  #number(said: readonly Change[], overlay: Overlay): void {
    const rows: ChangeRow[] = []
    const atMs = this.#options.clock.nowMs()
    const safeAtMs = Math.floor(this.#options.safeNowMs())
    for (const change of said) {
      const row = { cursor: this.#nextCursor + rows.length, atMs, safeAtMs, change }
      noteChange(overlay, row)
      rows.push(row)
    }
    this.#nextCursor += rows.length
    for (const row of rows) this.#open.rows.push(row)
  }

  async #drive<T>(machine: Machine<T>, view: View, out: Out & Pick<Turn, 'memory'>): Promise<T> {
    const { clock, random, provider, self } = this.#options
    const run = machine({
      nowMs: clock.nowMs(),
      safeNowMs: this.#options.safeNowMs(),
      self,
      random,
      crypto: provider,
      ...out,
    })
    let step = run.next()
    while (step.done !== true) {
      const load = step.value
      view.onLoad(load)
      const known = this.#loads.known(load, view)
      step = run.next(known === undefined ? await this.#loads.load(load, view) : known.value)
    }
    return step.value
  }

  /** What a turn sees: the disk, what is being written, what waits for it, its own writes. */
  #turnView(own: Overlay): View {
    return {
      known: (key) => own.at(key) ?? this.#open.overlay.at(key) ?? this.#writing?.overlay.at(key),
      overlays: () =>
        this.#writing === undefined
          ? [this.#open.overlay, own]
          : [this.#writing.overlay, this.#open.overlay, own],
      onLoad: () => undefined,
    }
  }

  /** What a read beside the loop sees: the disk. */
  #durableView(reader: Reader): View {
    return {
      known: () => undefined,
      overlays: () => [],
      onLoad: (load) => void reader.loads.push(load),
    }
  }

  #flush(): void {
    const batch = this.#open
    if (batch.settle.length === 0) return
    this.#open = newBatch()
    if (batch.overlay.empty) return this.#release(batch)
    this.#writing = batch
    for (const reader of this.#readers) reader.batches.add(batch)
    void this.#write(batch)
  }

  async #write(batch: Batch): Promise<void> {
    const { records } = this.#loads
    const sizes: number[] = []
    try {
      const writes = []
      const tables = new Set<string>()
      for (const { table, place, plain } of batch.overlay.values()) {
        const write = records.sealBytes(table, place, plain)
        writes.push(write)
        sizes.push(write.value?.length ?? 0)
        tables.add(table.name)
      }
      await records.write([...writes, ...this.#journal.next(writes.length, tables)])
    } catch (cause) {
      return this.#failed(batch, cause)
    }
    this.#loads.durable(batch.overlay, sizes)
    this.#writing = undefined
    this.#durableCursor = (batch.rows.at(-1)?.cursor ?? this.#durableCursor - 1) + 1
    this.#release(batch)
    this.#wakeIdle()
    if (!this.#looping) this.#flush()
  }

  /** Lets out what waited for a batch: answers, then events, then effects. */
  #release(batch: Batch): void {
    for (const settle of batch.settle) settle()
    try {
      if (batch.rows.length > 0) this.#options.onChanges(batch.rows)
      if (batch.effects.length > 0) this.#options.onEffects(batch.effects)
    } catch (error) {
      this.#options.onDefect(error)
    }
  }

  #failed(batch: Batch, cause: unknown): void {
    const error =
      cause instanceof NodeError
        ? cause
        : new NodeError('STORE_FAILED', 'the profile cannot be written', { cause, retryable: true })
    this.#failure = error
    this.#generation += 1
    const dropped = [batch, this.#open]
    const jobs = this.#jobs
    this.#jobs = []
    this.#open = newBatch()
    this.#writing = undefined
    this.#nextCursor = this.#durableCursor
    this.#loads.clear()
    for (const { fail } of dropped) for (const reject of fail) reject(error)
    for (const job of jobs) job.reject(error)
    this.#wakeIdle()
    this.#options.onFailure(error)
  }
}
