// Carries a device's outbox to one of its mailboxes: seal, deposit in order, keep the relay's signed
// word. Stops at the first refusal and tries again when the relay said, or by back-off.
import { type Bytes32, type Mailbox, toHex } from '../../crypto/index.ts'
import {
  type InviteAnswer,
  type SealedCopy,
  nextDeposits,
  noteCustody,
} from '../../protocol/index.ts'
import { Backoff } from '../backoff.ts'
import type { Timer } from '../clock.ts'
import { type Core, unit } from '../core.ts'
import type { Courier, DepositOutcome } from '../relays/courier.ts'

export class DepositLane {
  readonly #core: Core
  readonly #courier: Courier
  readonly #device: Bytes32
  readonly #backoff: Backoff
  readonly #onProgress: () => void
  #mailbox: Mailbox
  #invite: InviteAnswer | undefined
  #running = false
  #again = false
  #timer: Timer | undefined
  /** Why the last pass stopped; undefined when it carried everything. */
  trouble: string | undefined

  constructor(options: {
    readonly core: Core
    readonly courier: Courier
    readonly device: Bytes32
    readonly mailbox: Mailbox
    readonly onProgress: () => void
  }) {
    this.#core = options.core
    this.#courier = options.courier
    this.#device = options.device
    this.#mailbox = options.mailbox
    this.#onProgress = options.onProgress
    this.#backoff = new Backoff(() => unit(options.core.random))
  }

  /** Whether a pass is under way; a lane that waits for its back-off is not. */
  get active(): boolean {
    return this.#running
  }

  /** The mailbox's newest addresses and capability. */
  update(mailbox: Mailbox, invite: InviteAnswer | undefined): void {
    this.#mailbox = mailbox
    this.#invite = invite
  }

  /** A sign of life: tries at once. */
  wake(): void {
    this.#backoff.reset()
    this.kick()
  }

  kick(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    if (this.#core.stopping.aborted || !this.#core.ledger.writable) return
    if (this.#running) {
      this.#again = true
      return
    }
    void this.#run()
  }

  stop(): void {
    this.#timer?.cancel()
  }

  async #run(): Promise<void> {
    this.#running = true
    let retryMs: number | undefined
    try {
      do {
        this.#again = false
        retryMs = await this.#pass()
      } while (this.#again && retryMs === undefined)
    } catch (error) {
      retryMs = this.#backoff.nextMs()
      this.trouble = error instanceof Error ? error.message : String(error)
      if (!this.#core.stopping.aborted) {
        this.#core.sums.count('depositRetries')
        this.#core.sums.error(error)
      }
      // What a node that was closed cannot write any more is in its outbox still.
      if (!this.#core.stopping.aborted)
        this.#core.log('deposit', `${toHex(this.#device).slice(0, 8)}: ${this.trouble}`)
    } finally {
      this.#running = false
    }
    if (this.#core.stopping.aborted) return
    if (retryMs === undefined) {
      this.#backoff.reset()
      this.trouble = undefined
    } else {
      this.#timer = this.#core.clock.after(retryMs, () => this.kick())
    }
    this.#onProgress()
  }

  /** One pass over the outbox; how long to wait where a relay stopped it. */
  async #pass(): Promise<number | undefined> {
    const { serviceKey, mailboxId } = this.#mailbox
    const target = { device: this.#device, serviceKey, mailboxId }
    for (let from = 0; ;) {
      const next = await this.#core.ledger.run((turn) => nextDeposits(turn, target, from))
      from = next.from
      const outcomes = await Promise.all(next.copies.map((copy) => this.#deposit(copy)))
      const stopped = outcomes.find((outcome) => outcome.kind === 'failed')
      if (stopped?.kind === 'failed') {
        this.trouble = stopped.reason
        this.#core.sums.count('depositRetries')
        return this.#backoff.nextMs(stopped.retryAfterMs)
      }
      if (next.done) return undefined
    }
  }

  async #deposit(copy: SealedCopy): Promise<DepositOutcome> {
    const outcome = await this.#courier.deposit(this.#mailbox, copy, this.#invite)
    if (outcome.kind === 'held') {
      const { serviceKey, mailboxId } = this.#mailbox
      const { incarnation, holdS, found } = outcome
      const { sequence, innerId } = copy
      const key = { device: this.#device, sequence, innerId }
      await this.#core.ledger.run((turn) =>
        noteCustody(turn, key, { serviceKey, mailboxId, incarnation, holdS, found }),
      )
    }
    return outcome
  }
}
