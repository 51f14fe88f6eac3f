// Getting over a disk that failed or is full: a store that could not write is opened anew until it
// can, and nothing is acknowledged meanwhile (SPEC.md §11). What is on the disk can be read all along.
import { Backoff } from '../backoff.ts'
import { type Core, unit } from '../core.ts'
import type { NodeError } from '../errors.ts'
import type { OpenedProfile } from '../profile/open-profile.ts'
import { writeSafeNow } from '../safe-now.ts'
import type { RecordStore } from '../store/record-store.ts'

/** It is tried again at least this often, so that freed space is used at once. */
const WAIT_MAX_MS = 5_000
/** A store that worked this long counts as well again. */
const WELL_AFTER_MS = 60_000

export class StoreRecovery {
  /** Why nothing can be written; '' while all is well. */
  trouble = ''
  readonly #core: Core
  readonly #reopen: () => Promise<RecordStore>
  readonly #onRecovered: () => Promise<void>
  readonly #backoff: Backoff
  #records: RecordStore
  #running = false
  #failedAtMs = Number.NEGATIVE_INFINITY

  constructor(core: Core, opened: OpenedProfile, onRecovered: () => Promise<void>) {
    this.#core = core
    this.#records = opened.records
    this.#reopen = opened.reopen
    this.#onRecovered = onRecovered
    this.#backoff = new Backoff(() => unit(core.random))
  }

  close(): Promise<void> {
    return this.#records.close()
  }

  /** A write failed. An attempt that is under way learns of it by itself: one at a time. */
  failed(error: NodeError): void {
    this.trouble = error.message
    if (this.#running) return
    this.#running = true
    void this.#recover()
  }

  async #recover(): Promise<void> {
    const { clock, log, stopping } = this.#core
    while (this.#running && !stopping.aborted) {
      try {
        await clock.sleep(this.#waitMs(), stopping)
        await this.#open()
        this.trouble = ''
        this.#running = false
      } catch (error) {
        if (!stopping.aborted) log('store', String(error))
      }
    }
    if (stopping.aborted) return
    await this.#onRecovered().catch((error: unknown) => log('store', String(error)))
  }

  async #open(): Promise<void> {
    const { ledger } = this.#core
    await this.#records.close()
    this.#records = await this.#reopen()
    await ledger.recover(this.#records)
    await ledger.run((turn) => writeSafeNow(turn))
  }

  /** Longer while failures follow one another closely. */
  #waitMs(): number {
    const { clock, random } = this.#core
    const nowMs = clock.monotonicMs()
    if (nowMs - this.#failedAtMs > WELL_AFTER_MS) this.#backoff.reset()
    this.#failedAtMs = nowMs
    return Math.min(this.#backoff.nextMs(), WAIT_MAX_MS * (0.5 + unit(random) / 2))
  }
}
