// Keeping this account's card at its rendezvous mailbox of one relay (SPEC.md §2.6): finds the
// account's generation there while the words were at hand, then publishes like any card.
import { encodeText } from '../../crypto/index.ts'
import {
  type OwnMailbox,
  type RelayChoice,
  isFailure,
  noteRendezvousCard,
  rendezvousCard,
  rendezvousToFind,
  settleRendezvous,
} from '../../protocol/index.ts'
import type { Timer } from '../clock.ts'
import type { Core } from '../core.ts'
import { NodeError } from '../errors.ts'
import type { RelayConnection } from '../relay-client/relay-connection.ts'

/** A node that runs for this long is no single command, which would do the work for nothing. */
const WORK_AFTER_MS = 15_000

type KeeperCore = Pick<Core, 'ledger' | 'clock' | 'stopping' | 'log'>

/** A relay that keeps no rendezvous mailbox for us is still one for messages: it is tried again hourly. */
export class RendezvousKeeper {
  readonly #core: KeeperCore
  readonly #choice: RelayChoice
  readonly #startedAtMs: number
  #timer: Timer | undefined
  #keeping: Promise<void> | undefined
  #stopped = false

  constructor(core: KeeperCore, choice: RelayChoice) {
    this.#core = core
    this.#choice = choice
    this.#startedAtMs = core.clock.monotonicMs()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#timer?.cancel()
    await this.#keeping
  }

  /** Settles which generation this account has at the relay: the first one where no card lies. */
  async find(connection: RelayConnection, own: OwnMailbox): Promise<void> {
    const { ledger } = this.#core
    const ids = await ledger.run((turn) => rendezvousToFind(turn, own))
    for (const [generation, id] of ids?.entries() ?? []) {
      const reply = await connection.cardGet(id)
      if (!isFailure(reply)) continue
      if (reply.status === 'auth' || reply.status === 'unknown') {
        await ledger.run((turn) => settleRendezvous(turn, own, generation))
      } else this.#core.log('relay', `rendezvous: the relay answered ${reply.status}`)
      return
    }
  }

  /** Has the card published where it is due, beside everything else: it may cost seconds of work. */
  keep(connection: RelayConnection, own: OwnMailbox): void {
    if (this.#keeping !== undefined || this.#stopped) return
    const { clock, log } = this.#core
    const isFree = connection.openBits === 0 || this.#choice.ticket !== ''
    const waitMs = this.#startedAtMs + WORK_AFTER_MS - clock.monotonicMs()
    this.#timer?.cancel()
    if (!isFree && waitMs > 0) {
      this.#timer = clock.after(waitMs, () => this.keep(connection, own))
      return
    }
    this.#keeping = this.#publish(connection, own)
      .catch((error: unknown) => {
        if (!this.#stopped) log('relay', `rendezvous: ${String(error)}`)
      })
      .finally(() => {
        this.#keeping = undefined
      })
  }

  async #publish(connection: RelayConnection, own: OwnMailbox): Promise<void> {
    const { ledger, stopping } = this.#core
    const due = await ledger.run((turn) => rendezvousCard(turn, own))
    if (due === undefined || !connection.open) return
    const { ticket } = this.#choice
    const mailbox = {
      type: 3 as const,
      secret: undefined,
      gen: 0,
      awayDays: 0,
      ...(ticket === '' ? {} : { ticket: encodeText(ticket) }),
    }
    const opened = await connection.openMailbox(due.ownerSeed, mailbox, stopping)
    if (isFailure(opened)) {
      throw new NodeError('RELAY_UNREACHABLE', `the relay refused the mailbox: ${opened.status}`)
    }
    await connection.putCard(due.mailboxId, due.card.issuedAtS, due.card.item)
    await ledger.run((turn) => noteRendezvousCard(turn, own, due))
  }
}
