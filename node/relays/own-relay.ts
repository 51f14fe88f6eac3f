// This device's mailbox at one relay: kept open, published to, drained (SPEC.md §12). Reconnects by
// itself for as long as the node runs.
import { type Bytes32, CryptoError, encodeText, openEnvelope, toHex } from '../../crypto/index.ts'
import {
  type OwnMailbox,
  type RelayChoice,
  type RelayItem,
  isFailure,
  meetRelay,
  mailboxOwnerSeed,
  mailboxSecret,
  noteCopied,
  noteIncarnation,
  notePublished,
  noteUnopened,
  publication,
  receiveInner,
  sealKeys,
} from '../../protocol/index.ts'
import { FOLLOW_BACKOFF_MAX_MS } from '../relay-client/limits.ts'
import { Backoff } from '../backoff.ts'
import type { Timer } from '../clock.ts'
import { type Core, unit } from '../core.ts'
import { NodeError } from '../errors.ts'
import { connectRelay } from '../relay-client/connect-relay.ts'
import type { RelayConnection } from '../relay-client/relay-connection.ts'
import type { Subscription } from '../relay-client/relay-types.ts'
import { joinPeerAddress } from '../net/peer-id.ts'
import { Signal } from '../signal.ts'
import type { Host } from '../transport.ts'
import { RendezvousKeeper } from './rendezvous.ts'

const CONNECT_MS = 20_000
/** Acknowledgements in one frame, and the credit that a page of items is given back with. */
const ACK_MAX = 256
const HOUR_MS = 3_600_000
/** A connection that held this long ends the back-off. */
const STEADY_MS = 60_000
/** END: another stream reads the mailbox now (SPEC.md §12). */
const DISPLACED = 0
/** Items and bytes on their way to us at once; given back after each durable batch. */
const SUBSCRIPTION_CREDIT = { messages: 256, bytes: 4 << 20 }

type OwnSealKeys = Parameters<typeof openEnvelope>[1]

export interface OwnRelayOptions {
  readonly core: Core
  readonly host: Host
  readonly choice: RelayChoice
  /** A mailbox became known, or its relay lost its store: endpoints may have to be told. */
  readonly onChange: () => void
  readonly onDrained: () => void
}

export class OwnRelay {
  readonly choice: RelayChoice
  readonly #options: OwnRelayOptions
  readonly #core: Core
  readonly #backoff: Backoff
  readonly #rendezvous: RendezvousKeeper
  #connection: RelayConnection | undefined
  #own: OwnMailbox | undefined
  #subscription: Subscription | undefined
  #timer: Timer | undefined
  #hourly: Timer | undefined
  #publishing: Promise<void> | undefined
  #publishAgain = false
  #drained = false
  #attempts = 0
  #connectedAtMs = 0
  #stopped = false
  readonly #changed = new Signal()
  /** Ends when what came before is in the Ledger's queue. */
  #entering: Promise<unknown> = Promise.resolve()
  /** Why it is not connected; '' while it is. */
  trouble = ''
  /** Everything in the mailbox was pushed on this connection; what comes is pushed at once. */
  atHead = false

  constructor(options: OwnRelayOptions) {
    this.#options = options
    this.#core = options.core
    this.choice = options.choice
    this.#rendezvous = new RendezvousKeeper(options.core, options.choice)
    this.#backoff = new Backoff(() => unit(options.core.random), FOLLOW_BACKOFF_MAX_MS)
  }

  get connected(): boolean {
    return this.#connection !== undefined
  }

  /** The relay's clock minus ours, ms; undefined while it is not connected. */
  get clockOffsetMs(): number | undefined {
    return this.#connection?.timeOffsetMs
  }

  /** Its service key, while it is connected. */
  get serviceKey(): Bytes32 | undefined {
    return this.connected ? this.#own?.serviceKey : undefined
  }

  get service(): string {
    return this.#own === undefined ? '' : toHex(this.#own.serviceKey).slice(0, 8)
  }

  start(): void {
    void this.#connect()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#timer?.cancel()
    this.#hourly?.cancel()
    this.#changed.raise()
    await this.#connection?.close()
    await this.#rendezvous.stop()
  }

  /** Whether the mailbox is open now, or becomes so before an attempt fails or the signal aborts. */
  async opened(signal: AbortSignal): Promise<boolean> {
    while (!this.connected && this.trouble === '' && !this.#stopped && !signal.aborted) {
      await this.#changed.next(signal)
    }
    return this.connected
  }

  /** Resolves once the mailbox was drained to its head, or an attempt to reach the relay failed. */
  async firstDrain(signal: AbortSignal): Promise<void> {
    while (!this.#drained && this.#attempts === 0 && !this.#stopped && !signal.aborted) {
      await this.#changed.next(signal)
    }
  }

  /** Publishes whatever is due: card, prekeys, invites. */
  async publish(): Promise<void> {
    if (this.#publishing !== undefined) {
      this.#publishAgain = true
      return this.#publishing
    }
    this.#publishing = this.#publishAll().finally(() => {
      this.#publishing = undefined
    })
    return this.#publishing
  }

  /** Tickets for mailboxes of groups at this relay, at the cost of ours; none while it is not reached. */
  async tickets(count: number): Promise<readonly Uint8Array[]> {
    if (this.#connection === undefined || this.#own === undefined) return []
    return this.#connection.tickets(this.#own.mailboxId, count)
  }

  async #connect(): Promise<void> {
    if (this.#stopped) return
    const { clock, provider, random, stopping } = this.#core
    const { address, transportKey } = this.choice
    let connection: RelayConnection | undefined
    try {
      const made = await connectRelay({
        host: this.#options.host,
        address: joinPeerAddress(address, transportKey),
        expected: { pinned: true },
        clock,
        provider,
        random,
        signal: clock.timeout(CONNECT_MS, stopping),
      })
      connection = made
      made.onClose(() => this.#lost(made))
      await this.#serve(made)
    } catch (error) {
      if (this.#connection === connection) this.#drop()
      connection?.abort(error instanceof Error ? error : new Error(String(error)))
      if (this.#stopped) return
      this.trouble = error instanceof Error ? error.message : String(error)
      this.#core.log('relay', `${address}: ${this.trouble}`)
      this.#again()
    }
  }

  #lost(connection: RelayConnection): void {
    if (this.#connection !== connection) return
    this.#drop()
    this.trouble = 'the connection was lost'
    // A relay that takes us and drops us at once is not asked again at once.
    const { clock } = this.#core
    if (clock.monotonicMs() - this.#connectedAtMs > STEADY_MS) this.#backoff.reset()
    this.#again()
  }

  /** There is no connection any more, and nothing of the mailbox is known. */
  #drop(): void {
    this.#connection = undefined
    this.atHead = false
    this.#hourly?.cancel()
  }

  /** Another program reads this mailbox: it has the keys of this profile. */
  async #displaced(connection: RelayConnection): Promise<void> {
    if (this.#connection !== connection) return
    try {
      await this.#core.ledger.run(noteCopied)
    } catch (error) {
      this.#core.log('relay', String(error))
    }
    await connection.close()
    this.trouble = 'another program reads this mailbox: is a copy of this profile running?'
  }

  #again(): void {
    this.#attempts += 1
    this.#changed.raise()
    if (this.#stopped) return
    this.#timer?.cancel()
    this.#timer = this.#core.clock.after(this.#backoff.nextMs(), () => void this.#connect())
  }

  /** Opens the mailbox, publishes and subscribes. */
  async #serve(connection: RelayConnection): Promise<void> {
    const { ledger, provider, self } = this.#core
    const { serviceKey } = connection
    const own = await ledger.run((turn) => meetRelay(turn, this.choice, serviceKey))
    const opened = await connection.openMailbox(
      mailboxOwnerSeed({ crypto: provider }, self, serviceKey),
      {
        type: 1,
        secret: mailboxSecret({ crypto: provider }, self, serviceKey, own.generation),
        gen: own.generation,
        awayDays: 0,
        ...(this.choice.ticket === '' ? {} : { ticket: encodeText(this.choice.ticket) }),
      },
    )
    if (isFailure(opened)) {
      throw new NodeError('RELAY_UNREACHABLE', `the relay refused the mailbox: ${opened.status}`)
    }
    this.#own = await ledger.run((turn) => noteIncarnation(turn, own.slot, opened.incarnation))
    this.#connection = connection
    this.trouble = ''
    this.#connectedAtMs = this.#core.clock.monotonicMs()
    this.#changed.raise()
    const subscription = await connection.subscribe(
      own.mailboxId,
      {
        onItems: (items) => void this.#take(connection, own, items),
        onDrained: () => {
          this.#drained = true
          this.atHead = true
          this.#options.onDrained()
          this.#changed.raise()
        },
        onEnd: (reason) => {
          if (reason === DISPLACED) void this.#displaced(connection)
          else void connection.close()
        },
      },
      SUBSCRIPTION_CREDIT,
    )
    this.#subscription = subscription
    await this.publish()
    this.#options.onChange()
    this.#hourly?.cancel()
    this.#repeatHourly()
  }

  #repeatHourly(): void {
    this.#hourly = this.#core.clock.after(HOUR_MS, () => {
      void this.publish().catch((error: unknown) => this.#core.log('relay', String(error)))
      this.#repeatHourly()
    })
  }

  async #take(
    connection: RelayConnection,
    own: OwnMailbox,
    items: readonly RelayItem[],
  ): Promise<void> {
    try {
      const acks: Bytes32[] = []
      let sizeBytes = 0
      // Into the Ledger in the order in which the relay stored them, page after page.
      const entering = this.#entering.then(() => this.#enter(own, items))
      this.#entering = entering.catch(() => undefined)
      const taken = await Promise.allSettled((await entering).answers)
      for (const [i, { env, envId }] of items.entries()) {
        sizeBytes += env.length
        const answer = taken[i]
        if (answer?.status === 'fulfilled' && answer.value) acks.push(envId)
      }
      for (let at = 0; at < acks.length; at += ACK_MAX) {
        await connection.ack(own.mailboxId, acks.slice(at, at + ACK_MAX))
      }
      // One that cannot be taken keeps none of the others at the relay.
      const failed = taken.find(({ status }) => status === 'rejected')
      if (failed?.status === 'rejected') throw failed.reason
      this.#subscription?.credit(items.length, sizeBytes)
    } catch (error) {
      // Nothing was acknowledged that is not durable: the relay keeps it, the next start fetches it.
      this.#core.log('relay', `items not taken: ${String(error)}`)
      await connection.close()
    }
  }

  /** Queues what came; answers whether the relay may drop each. */
  async #enter(
    own: OwnMailbox,
    items: readonly RelayItem[],
  ): Promise<{ readonly answers: readonly Promise<boolean>[] }> {
    const keys = await this.#core.ledger.read((turn) => sealKeys(turn))
    return { answers: items.map((item) => this.#receive(own, item, keys)) }
  }

  /** Takes one item; whether the relay may drop it. */
  async #receive(own: OwnMailbox, item: RelayItem, keys: OwnSealKeys): Promise<boolean> {
    const { ledger, provider } = this.#core
    let opened: ReturnType<typeof openEnvelope>
    try {
      opened = openEnvelope(provider, keys, own.mailboxId, item.env)
    } catch (error) {
      if (!(error instanceof CryptoError)) throw error
      // Opened by none of our keys: not for us, or not meant to be read. Acknowledged and counted.
      this.#core.log('relay', 'an envelope that no key opens was dropped')
      await ledger.run((turn) => noteUnopened(turn, item.capId))
      return true
    }
    const answer = await ledger.run((turn) =>
      receiveInner(turn, {
        sid: opened.sid,
        inner: opened.inner,
        path: {
          kind: 'relay',
          serviceKey: own.serviceKey,
          capId: item.capId,
          storedAtS: item.storedAtS,
        },
      }),
    )
    return answer.code !== 'busy'
  }

  async #publishAll(): Promise<void> {
    do {
      this.#publishAgain = false
      const connection = this.#connection
      const own = this.#own
      if (connection === undefined || own === undefined) return
      const { ledger } = this.#core
      await this.#rendezvous.find(connection, own)
      const left = await connection.prekeyCount(own.mailboxId)
      const due = await ledger.run((turn) => publication(turn, own.slot, left))
      if (due.card !== undefined) {
        await connection.putCard(own.mailboxId, due.card.issuedAtS, due.card.item)
      }
      if (due.prekeys.length > 0) {
        await connection.putPrekeys(own.mailboxId, due.replacePrekeys, due.prekeys)
      }
      // Those that ended first: they make room.
      for (const { capId } of due.endedInvites) {
        await connection.deleteInvite(own.mailboxId, capId)
      }
      for (const invite of due.invites) {
        await connection.putInvite(own.mailboxId, invite)
      }
      await ledger.run((turn) => notePublished(turn, own.slot, due))
      this.#rendezvous.keep(connection, own)
    } while (this.#publishAgain)
  }
}
