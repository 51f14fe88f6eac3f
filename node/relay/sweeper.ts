// Takes away what ended, in steps that share flushes with deposits (SPEC.md §14.5): expired rows,
// lapsed and closed mailboxes, marks beyond their number.
import { type Bytes8, type Bytes16, toHex } from '../../crypto/index.ts'
import {
  type ExpiryKey,
  type MailboxTurn,
  type Step,
  dueExpiry,
  dueLease,
  expireRows,
  expireTickets,
  sweepLease,
  trimMarks,
} from '../../protocol/index.ts'
import type { Clock, Timer } from '../clock.ts'
import type { Committer, FlushSlot } from './committer.ts'
import type { Figures } from './figures.ts'
import { SWEEP_BUDGET, SWEEP_MS } from './limits.ts'
import type { RoomWaiters } from './room-waiters.ts'

export interface SweeperOptions {
  readonly clock: Clock
  readonly committer: Committer
  readonly turnOf: (slot: FlushSlot) => MailboxTurn
  readonly figures: Figures
  readonly room: RoomWaiters
  /** Whether anything may be deleted: not while the clock is not believed. */
  readonly mayDelete: () => boolean
}

/** A sweep of one mailbox, begun and not finished. */
interface Progress {
  readonly due: ExpiryKey
  readonly from: Uint8Array
}

export class Sweeper {
  readonly #options: SweeperOptions
  #timer: Timer | undefined
  #progress: Progress | undefined
  #running = false
  #stopped = false

  constructor(options: SweeperOptions) {
    this.#options = options
  }

  start(): void {
    this.#timer = this.#options.clock.after(SWEEP_MS, () => {
      void this.sweep().finally(() => {
        if (!this.#stopped) this.start()
      })
    })
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  /** Sweeps until nothing is due, or the committer takes no more. */
  async sweep(): Promise<void> {
    if (this.#running || !this.#options.mayDelete()) return
    this.#running = true
    try {
      while (!this.#stopped && (await this.#step((turn) => this.#expire(turn))));
      while (!this.#stopped && (await this.#step((turn) => this.#lapse(turn))));
      while (!this.#stopped && (await this.#step((turn) => expireTickets(turn, SWEEP_BUDGET))));
    } finally {
      this.#running = false
    }
  }

  /** Drops marks of a share that has too many. */
  trim(mailboxId: Bytes16, share: Bytes8 | undefined): void {
    void this.#step(function* (turn) {
      yield* trimMarks(turn, mailboxId, { share })
      return false
    })
  }

  *#expire(turn: MailboxTurn): Step<boolean> {
    const due = this.#progress?.due ?? (yield* dueExpiry(turn))
    if (due === undefined) return false
    const from = yield* expireRows(turn, due, this.#progress?.from, SWEEP_BUDGET)
    this.#progress = from === undefined ? undefined : { due, from }
    this.#options.room.check(due.mailboxId, turn.counters.get(toHex(due.mailboxId)))
    return true
  }

  *#lapse(turn: MailboxTurn): Step<boolean> {
    const due = yield* dueLease(turn)
    if (due === undefined) return false
    yield* sweepLease(turn, due, SWEEP_BUDGET)
    return true
  }

  /** Runs one step in a flush; what it returned, or false where it could not run. */
  #step(steps: (turn: MailboxTurn) => Step<boolean>): Promise<boolean> {
    const { committer, turnOf, figures } = this.#options
    return new Promise((resolve) => {
      let more = false
      const taken = committer.submit({
        ops: 1,
        bytes: 0,
        reads: [],
        *steps(slot) {
          more = yield* steps(turnOf(slot))
        },
        done: () => {
          figures.expiryRuns += 1
          resolve(more)
        },
        failed: () => {
          this.#progress = undefined
          resolve(false)
        },
      })
      if (!taken) resolve(false)
    })
  }
}
