// Group commit (SPEC.md §14.1): what queued during one flush is the next; one flush at a time, no
// timer. The order is: synced batch, one signature over the root of its custody leaves, then what
// waits for it. Nobody is answered for what is not on the disk.
import { type Bytes32, type Bytes64, type CryptoProvider } from '../../crypto/index.ts'
import {
  type CustodyRoot,
  type CustodyTree,
  type Step,
  buildCustodyTree,
} from '../../protocol/index.ts'
import type { Clock } from '../clock.ts'
import type { Store, StoreWrite } from '../store.ts'
import type { Figures } from './figures.ts'
import { FlushView } from './flush-view.ts'
import {
  FLUSH_BYTES_MAX,
  FLUSH_OPS_MAX,
  QUEUE_BYTES_MAX,
  QUEUE_OPS_MAX,
  REOPEN_MAX_MS,
  REOPEN_MIN_MS,
} from './limits.ts'

type AnyRead = Parameters<FlushView['prefetch']>[0][number]

/** What one piece of work may leave with its flush. */
export interface FlushSlot {
  readonly view: FlushView
  /** Adds a custody leaf; its index under the flush's root. */
  addLeaf(hash: Bytes32): number
  /** Something in it must not be told from a deposit by its time: the flush is written and signed. */
  markBlind(): void
}

export interface Job {
  /** Operations; one that reads much counts as several. */
  readonly ops: number
  readonly bytes: number
  /** Rows it will probably read. */
  readonly reads: readonly AnyRead[]
  readonly steps: (slot: FlushSlot) => Step<void>
  /** Its flush is durable. `custody` covers its own leaves; undefined where it added none. */
  readonly done: (custody: CustodyRoot | undefined) => void
  /** Nothing of it took effect. */
  readonly failed: (error: unknown) => void
}

export interface CommitterOptions {
  readonly store: Store
  /** Opens the store anew after a failed write; the failed one is closed before. */
  readonly reopen: (() => Promise<Store>) | undefined
  readonly clock: Clock
  readonly provider: CryptoProvider
  readonly figures: Figures
  readonly nowMs: () => number
  readonly signRoot: (flushedAtMs: number, leafCount: number, root: Bytes32) => Bytes64
  /** A write that changes nothing: for flushes that must not be told from others. */
  readonly blindWrite: () => StoreWrite
  /** Every cache of what the store holds is void. */
  readonly onFailure: (error: unknown) => void
  /** Something durable could not be answered: nothing of the store is in doubt. */
  readonly onDefect: (error: unknown) => void
}

interface Ran {
  readonly job: Job
  readonly leaves: readonly number[]
}

export class Committer {
  readonly #options: CommitterOptions
  #store: Store
  #queue: Job[] = []
  #queuedOps = 0
  #queuedBytes = 0
  #running: Promise<void> | undefined
  #broken = false
  #stopped = false
  readonly #end = new AbortController()

  constructor(options: CommitterOptions) {
    this.#options = options
    this.#store = options.store
  }

  /** The store as it is now: it changes when it had to be opened anew. */
  get store(): Store {
    return this.#store
  }

  get queuedOps(): number {
    return this.#queuedOps
  }

  /** Whether it takes work: not while the store is broken. */
  get healthy(): boolean {
    return !this.#broken && !this.#stopped
  }

  /** Queues a job; false where there is no room for it, or no store to write to. */
  submit(job: Job): boolean {
    if (!this.healthy) return false
    const isFull =
      this.#queuedOps + job.ops > QUEUE_OPS_MAX || this.#queuedBytes + job.bytes > QUEUE_BYTES_MAX
    if (isFull) return false
    this.#queue.push(job)
    this.#queuedOps += job.ops
    this.#queuedBytes += job.bytes
    this.#running ??= this.#run()
    return true
  }

  /** Runs what is queued, then takes nothing more. A store that fails is not waited for. */
  async stop(): Promise<void> {
    this.#end.abort()
    await this.#running
    this.#stopped = true
  }

  async #run(): Promise<void> {
    // Whoever else is ready in this turn of the loop shares the first flush.
    await Promise.resolve()
    try {
      while (this.#queue.length > 0 && !this.#broken) await this.#flush(this.#nextJobs())
    } finally {
      this.#running = undefined
    }
  }

  #nextJobs(): readonly Job[] {
    let ops = 0
    let bytes = 0
    let count = 0
    for (const job of this.#queue) {
      ops += job.ops
      bytes += job.bytes
      if (count > 0 && (ops > FLUSH_OPS_MAX || bytes > FLUSH_BYTES_MAX)) break
      count += 1
    }
    const jobs = this.#queue.slice(0, count)
    this.#queue = this.#queue.slice(count)
    for (const job of jobs) {
      this.#queuedOps -= job.ops
      this.#queuedBytes -= job.bytes
    }
    return jobs
  }

  async #flush(jobs: readonly Job[]): Promise<void> {
    const { figures } = this.#options
    const view = new FlushView(this.#store)
    const leaves: Bytes32[] = []
    const blind = { needed: false }
    let ran: readonly Ran[]
    try {
      await view.prefetch(jobs.flatMap((job) => job.reads))
      ran = await this.#runJobs(jobs, view, leaves, blind)
      const writes = view.writes()
      const isEmpty = writes.length === 0
      if (!isEmpty) await this.#store.write(writes)
      else if (blind.needed) await this.#store.write([this.#options.blindWrite()])
    } catch (error) {
      await this.#breakDown(jobs, error)
      return
    }
    figures.flushes += 1
    figures.flushOps += jobs.reduce((sum, job) => sum + job.ops, 0)
    const sealed = this.#sign(leaves, blind.needed)
    for (const { job, leaves: own } of ran) {
      const isProven = sealed !== undefined && own.length > 0
      try {
        job.done(isProven ? { ...sealed.root, nodes: sealed.tree.prove(own) } : undefined)
      } catch (error) {
        // A defect of ours that one client met: the others are answered.
        figures.stepErrors += 1
        this.#options.onDefect(error)
      }
    }
  }

  async #runJobs(
    jobs: readonly Job[],
    view: FlushView,
    leaves: Bytes32[],
    blind: { needed: boolean },
  ): Promise<readonly Ran[]> {
    const ran: Ran[] = []
    for (const job of jobs) {
      const own: number[] = []
      const before = leaves.length
      const slot: FlushSlot = {
        view,
        addLeaf(hash) {
          own.push(leaves.length)
          return leaves.push(hash) - 1
        },
        markBlind() {
          blind.needed = true
        },
      }
      try {
        await view.run(job.steps(slot))
        ran.push({ job, leaves: own })
      } catch (error) {
        // Its writes are undone; its changes to counters in memory are not, so they go.
        leaves.length = before
        this.#options.figures.stepErrors += 1
        this.#options.onFailure(error)
        job.failed(error)
      }
    }
    return ran
  }

  #sign(
    leaves: readonly Bytes32[],
    isBlind: boolean,
  ): { readonly tree: CustodyTree; readonly root: Omit<CustodyRoot, 'nodes'> } | undefined {
    if (leaves.length === 0 && !isBlind) return undefined
    const flushedAtMs = this.#options.nowMs()
    const all = leaves.length > 0 ? leaves : [new Uint8Array(32)]
    const tree = buildCustodyTree(this.#options.provider, all)
    const signature = this.#options.signRoot(flushedAtMs, tree.leafCount, tree.root)
    return { tree, root: { flushedAtMs, leafCount: tree.leafCount, signature } }
  }

  /** A write failed: whether it took effect is unknown, so nobody is answered from it. */
  async #breakDown(jobs: readonly Job[], error: unknown): Promise<void> {
    this.#broken = true
    this.#options.figures.flushErrors += 1
    this.#options.onFailure(error)
    const waiting = this.#queue
    this.#queue = []
    this.#queuedOps = 0
    this.#queuedBytes = 0
    for (const job of [...jobs, ...waiting]) job.failed(error)
    await this.#reopen()
  }

  async #reopen(): Promise<void> {
    const { reopen, clock } = this.#options
    if (reopen === undefined) return
    for (let waitMs = REOPEN_MIN_MS; ; waitMs = Math.min(2 * waitMs, REOPEN_MAX_MS)) {
      await clock.sleep(waitMs, this.#end.signal).catch(() => undefined) // The relay stops.
      if (this.#end.signal.aborted) return
      try {
        await this.#store.close()
        this.#store = await reopen()
        this.#broken = false
        return
      } catch (error) {
        this.#options.figures.flushErrors += 1
        this.#options.onFailure(error)
      }
    }
  }
}
