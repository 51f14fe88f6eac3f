// What follows a failed write. LevelDB writes nothing any more after an error of the disk, also when
// there is space again: the store must be opened anew. Until that works the node is read-only: the
// history can be read, whatever would change something is refused, nothing is acknowledged.
import { type Core, unit } from './core.ts'
import { NodeError } from './errors.ts'
import type { OpenedProfile } from './profile/open-profile.ts'
import { checkRoom } from './room-check.ts'
import { writeSafeNow } from './safe-now.ts'
import type { RecordStore } from './store/record-store.ts'

/** Attempts are this far apart, so that a node is back within seconds of there being space. */
const AGAIN_MIN_MS = 1_000
const AGAIN_MAX_MS = 4_000

const WAS_READ_ONLY =
  'The profile could not be written for a while: what came meanwhile stayed with its senders and the relays.'

export interface RecoveryOptions {
  readonly core: Core
  readonly profile: Pick<OpenedProfile, 'records' | 'reopen'>
  /** Something changed that `status` shows. */
  readonly onChange: () => void
  /** Writes work again: whatever rests on the outbox starts anew. */
  readonly onRecovered: () => Promise<void>
}

export class Recovery {
  readonly #options: RecoveryOptions
  #records: RecordStore
  #running: Promise<void> | undefined
  #trouble: NodeError | undefined

  constructor(options: RecoveryOptions) {
    this.#options = options
    this.#records = options.profile.records
  }

  /** Why nothing can be written; '' while all is well. */
  get readOnly(): string {
    return this.#trouble?.message ?? ''
  }

  /** A batch failed. */
  failed(error: NodeError): void {
    // Said once, however often it is tried.
    if (this.#trouble === undefined) {
      this.#options.core.log('store', `read-only: ${error.message}. ${error.hint}`)
    }
    this.#trouble = error
    this.#options.onChange()
    // The write that tests a store opened anew may fail too: one attempt after the other.
    this.#running ??= this.#recover()
  }

  async close(): Promise<void> {
    await this.#running
    await this.#records.close()
  }

  async #recover(): Promise<void> {
    const { core, onChange, onRecovered } = this.#options
    while (!core.stopping.aborted) {
      try {
        const waitMs = AGAIN_MIN_MS + unit(core.random) * (AGAIN_MAX_MS - AGAIN_MIN_MS)
        await core.clock.sleep(waitMs, core.stopping)
        await this.#reopen()
      } catch (error) {
        if (!core.stopping.aborted) core.log('recovery', String(error))
        continue
      }
      this.#trouble = undefined
      core.log('store', 'can be written again')
      onChange()
      await onRecovered().catch((error: unknown) => core.log('recovery', String(error)))
      if (this.readOnly !== '') continue
      // In one go with the look: a failure from here on starts a recovery of its own.
      this.#running = undefined
      return
    }
  }

  async #reopen(): Promise<void> {
    const { core, profile } = this.#options
    this.#records = await profile.reopen(this.#records)
    if (core.stopping.aborted) return
    const { random } = core
    // Small rows may fit where a message does not: it would be writable and read-only in turns.
    await core.ledger.recover(this.#records, () => checkRoom(this.#records, random))
    const code = this.#trouble?.code ?? 'STORE_FAILED'
    await core.ledger.run(function* (turn) {
      yield* writeSafeNow(turn)
      turn.change({ kind: 'warning', code, text: WAS_READ_ONLY })
    })
  }
}
