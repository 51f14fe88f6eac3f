// What a node does for its profile without being asked: new prekeys, old secrets deleted, marks
// forgotten, the change feed trimmed, the clock written down, the state key rotated. Every job goes
// in bounded steps, each its own turn, so that messages pass in between.
import {
  PREKEY_KEEP_MS,
  allContacts,
  expireSkipped,
  forgetSeen,
  get,
  knownDevices,
  noteCopiedFolder,
  ownPrekeys,
  renewPrekeys,
  sessionIndex,
  sweepDelivery,
  sweepPrekeys,
  sweepReplays,
  tendDelivery,
} from '../protocol/index.ts'
import type { Timer } from './clock.ts'
import type { Core } from './core.ts'
import { drainedAt, noteDrained } from './drains.ts'
import { trimChanges } from './ledger/change-feed.ts'
import { type StateKeys, rotateStateKey } from './profile/rotate-state-key.ts'
import { writeSafeNow } from './safe-now.ts'

const SAFE_NOW_SAVE_MS = 60_000
const ROUND_MS = 3_600_000
/** Kept messages and unanswered first messages are looked after this often. */
const DELIVERY_MS = 60_000
/** A copy that was started beside this profile is told of within this. */
const COPIES_MS = 5_000
/** Not at once: whoever follows what the node tells is there by then. */
const COPIES_FIRST_MS = 300
/** After the start the first round waits: one-shot commands end before it, a start stays quick. */
const FIRST_ROUND_MS = 30_000
/** Rows that one turn forgets at most. */
const STEP_ROWS = 256

export interface UpkeepOptions {
  readonly core: Core
  readonly stateKeys: StateKeys
  readonly tidy: () => Promise<void>
  /** The folder of a copy of this profile that somebody tried to run; absent where none can be. */
  readonly copied?: (() => Promise<string | undefined>) | undefined
  /** Slots of the relays whose mailboxes are read to their end at this moment. */
  readonly drainedNow: () => readonly number[]
  /** Deletes what groups need no more; when own mailboxes were last all read, guarded clock. */
  readonly sweepGroups: (ownDrainedMs: number) => Promise<void>
}

export class Upkeep {
  readonly #core: Core
  readonly #options: UpkeepOptions
  readonly #timers = new Map<string, Timer>()
  #round: Promise<void> | undefined

  constructor(options: UpkeepOptions) {
    this.#core = options.core
    this.#options = options
  }

  /** Writes the clock down at once: short runs add up to years without a long one. */
  async start(): Promise<void> {
    await this.#core.ledger.run((turn) => writeSafeNow(turn))
    const { copied } = this.#options
    if (copied !== undefined) {
      this.#repeat('copies', COPIES_FIRST_MS, COPIES_MS, () => this.#copies(copied))
    }
    this.#repeat('safe-now', SAFE_NOW_SAVE_MS, SAFE_NOW_SAVE_MS, async () => {
      await this.#core.ledger.run((turn) => writeSafeNow(turn))
      await this.#core.sums.flush(this.#core.ledger)
    })
    this.#repeat('delivery', DELIVERY_MS, DELIVERY_MS, async () => {
      await this.#core.ledger.run((turn) => sweepDelivery(turn))
    })
    this.#repeat('round', FIRST_ROUND_MS, ROUND_MS, () => this.round())
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers.values()) timer.cancel()
    this.#timers.clear()
    await this.#round?.catch(() => undefined)
  }

  /** One mailbox was read to its end. */
  async drained(slot: number): Promise<void> {
    await this.#core.ledger.run((turn) => noteDrained(turn, slot))
  }

  /** Runs every job once. A job that fails is reported and holds up no other. */
  round(): Promise<void> {
    this.#round ??= this.#runAll().finally(() => {
      this.#round = undefined
    })
    return this.#round
  }

  #repeat(name: string, firstMs: number, everyMs: number, run: () => Promise<void>): void {
    const arm = (ms: number): void => {
      if (this.#core.stopping.aborted) return
      this.#timers.set(
        name,
        this.#core.clock.after(ms, () => void tick()),
      )
    }
    const tick = async (): Promise<void> => {
      await this.#job(name, run)
      arm(everyMs)
    }
    arm(firstMs)
  }

  async #job(name: string, run: () => Promise<void>): Promise<void> {
    if (this.#core.stopping.aborted) return
    try {
      await run()
    } catch (error) {
      if (!this.#core.stopping.aborted) this.#core.log('upkeep', `${name}: ${String(error)}`)
    }
  }

  async #runAll(): Promise<void> {
    const { ledger } = this.#core
    await this.#job('mailboxes', async () => {
      for (const slot of this.#options.drainedNow()) await this.drained(slot)
    })
    await this.#job('new prekeys', async () => {
      await ledger.run((turn) => renewPrekeys(turn))
    })
    await this.#job('old prekeys', () => this.#sweep())
    await this.#job('delivery', async () => {
      await ledger.run((turn) => tendDelivery(turn))
    })
    await this.#job('skipped messages', () => this.#skipped())
    await this.#job('groups', async () => {
      await this.#options.sweepGroups(await ledger.read((turn) => drainedAt(turn)))
    })
    await this.#job('seen messages', () => this.#untilLess((turn) => forgetSeen(turn, STEP_ROWS)))
    await this.#job('changes', () => this.#untilLess((turn) => trimChanges(turn, STEP_ROWS)))
    await this.#job('state key', async () => {
      await rotateStateKey(ledger, this.#options.stateKeys)
    })
    await this.#job('modes', () => this.#options.tidy())
  }

  async #copies(copied: () => Promise<string | undefined>): Promise<void> {
    const where = await copied()
    if (where !== undefined) await this.#core.ledger.run((turn) => noteCopiedFolder(turn, where))
  }

  /** The handshakes of a prekey are forgotten after its secret, never before. */
  async #sweep(): Promise<void> {
    const { ledger } = this.#core
    await ledger.run(function* (turn) {
      yield* sweepPrekeys(turn, yield* drainedAt(turn))
    })
    while (await ledger.run((turn) => sweepReplays(turn, ownPrekeys(turn)))) {
      if (this.#core.stopping.aborted) return
    }
  }

  async #skipped(): Promise<void> {
    const { ledger, self } = this.#core
    const accounts = (await ledger.read(() => allContacts())).map(({ account }) => account)
    for (const account of [...accounts, self.account]) {
      for (const { device } of await ledger.read(() => knownDevices(account))) {
        const index = await ledger.read(() => get(sessionIndex, device))
        for (const { sid } of index?.sessions ?? []) {
          if (this.#core.stopping.aborted) return
          await ledger.run(function* (turn) {
            const drainedMs = yield* drainedAt(turn)
            return yield* expireSkipped(turn, sid, (atMs) => drainedMs >= atMs + PREKEY_KEEP_MS)
          })
        }
      }
    }
  }

  async #untilLess(step: Parameters<Core['ledger']['run']>[0]): Promise<void> {
    while (!this.#core.stopping.aborted) {
      const count = await this.#core.ledger.run(step)
      if (count !== STEP_ROWS) return
    }
  }
}
