// All mailboxes of one lineage (SPEC.md §14.8): opened, followed and written to together. What one
// relay has no room for goes to the next; what none takes is the caller's to carry one to one.
import type {
  GroupDeposit,
  GroupDepositOutcome,
  GroupMailboxOptions,
} from './group-mailbox-types.ts'
import { GroupMailbox } from './group-mailbox.ts'

export interface GroupCarriageOptions extends Omit<
  GroupMailboxOptions,
  'relay' | 'cursor' | 'handlers' | 'ticket'
> {
  /** Most trusted first. */
  readonly mailboxes: readonly Pick<
    GroupMailboxOptions,
    'relay' | 'cursor' | 'handlers' | 'ticket'
  >[]
}

export interface CarriageOutcome {
  readonly held: readonly (GroupDepositOutcome & { readonly kind: 'held' })[]
  readonly failed: readonly (GroupDepositOutcome & { readonly kind: 'failed' })[]
  /** Where nothing is held: when it is worth trying again. */
  readonly retryAfterMs: number
}

export class GroupCarriage {
  readonly mailboxes: readonly GroupMailbox[]

  constructor(options: GroupCarriageOptions) {
    const { mailboxes, ...shared } = options
    this.mailboxes = mailboxes.map((one) => new GroupMailbox({ ...shared, ...one }))
  }

  start(): void {
    for (const mailbox of this.mailboxes) mailbox.start()
  }

  async stop(): Promise<void> {
    await Promise.all(this.mailboxes.map((mailbox) => mailbox.stop()))
  }

  /** How many are open, once each was tried or the signal aborts: before seeds leave, one is enough. */
  async opened(signal: AbortSignal): Promise<number> {
    const opened = await Promise.all(this.mailboxes.map((mailbox) => mailbox.opened(signal)))
    return opened.filter(Boolean).length
  }

  /**
   * Deposits at relays in their order until `copies` hold it; all of them unless told. A relay that
   * refuses is passed over for the next.
   */
  async deposit(
    deposit: GroupDeposit,
    copies: number = this.mailboxes.length,
  ): Promise<CarriageOutcome> {
    const held: (GroupDepositOutcome & { kind: 'held' })[] = []
    const failed: (GroupDepositOutcome & { kind: 'failed' })[] = []
    for (let from = 0; held.length < copies && from < this.mailboxes.length;) {
      const batch = this.mailboxes.slice(from, from + copies - held.length)
      from += batch.length
      for (const outcome of await Promise.all(batch.map((one) => one.deposit(deposit)))) {
        if (outcome.kind === 'held') held.push(outcome)
        else failed.push(outcome)
      }
    }
    const waits = failed.map(({ retryAfterMs }) => retryAfterMs)
    return { held, failed, retryAfterMs: held.length > 0 ? 0 : Math.min(...waits, Infinity) }
  }
}
