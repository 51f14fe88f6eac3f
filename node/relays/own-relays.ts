// This device's mailboxes at all the relays it chose, while the node runs.
import { type Bytes32, toHex } from '../../crypto/index.ts'
import type { RelayChoice } from '../../protocol/index.ts'
import type { Core } from '../core.ts'
import type { Host } from '../transport.ts'
import { OwnRelay } from './own-relay.ts'

export interface OwnRelaysOptions {
  readonly core: Core
  /** A mailbox became known, or its relay lost its store: endpoints may have to be told. */
  readonly onChange: () => void
  readonly onDrained: (slot: number) => void
}

export class OwnRelays {
  readonly #options: OwnRelaysOptions
  #host: Host | undefined
  #all: readonly OwnRelay[] = []

  constructor(options: OwnRelaysOptions) {
    this.#options = options
  }

  get all(): readonly OwnRelay[] {
    return this.#all
  }

  /** Slots of those whose mailbox was read to its end, and is followed. */
  get drained(): readonly number[] {
    return this.#all.flatMap(({ atHead, choice }) => (atHead ? [choice.slot] : []))
  }

  /** Of those that are connected. */
  get serviceKeys(): readonly Bytes32[] {
    return this.#all.flatMap((relay) => relay.serviceKey ?? [])
  }

  start(host: Host, choices: readonly RelayChoice[]): void {
    this.#host = host
    for (const choice of choices) this.#start(host, choice)
  }

  #start(host: Host, choice: RelayChoice): void {
    const { core, onChange, onDrained } = this.#options
    const relay = new OwnRelay({
      core,
      host,
      choice,
      onChange,
      onDrained: () => onDrained(choice.slot),
    })
    this.#all = [...this.#all, relay]
    relay.start()
  }

  /** Uses a relay from now on; one that has moved is looked for at its new address. */
  async use(choice: RelayChoice): Promise<void> {
    const before = this.#all.find((relay) => relay.choice.slot === choice.slot)?.choice
    if (before?.address === choice.address && before.ticket === choice.ticket) return
    await this.leave(choice.slot)
    if (this.#host === undefined || this.#options.core.stopping.aborted) return
    this.#start(this.#host, choice)
  }

  /** Lets go of a relay. */
  async leave(slot: number): Promise<void> {
    const left = this.#all.filter(({ choice }) => choice.slot === slot)
    this.#all = this.#all.filter((relay) => !left.includes(relay))
    await Promise.all(left.map((relay) => relay.stop()))
  }

  /** A ticket of one of them, where it gives any: a group's mailbox costs no work then. */
  async ticketOf(serviceKey: Bytes32): Promise<Uint8Array | undefined> {
    const service = toHex(serviceKey).slice(0, 8)
    const own = this.#all.find((relay) => relay.connected && relay.service === service)
    const [ticket] = own === undefined ? [] : await own.tickets(1)
    return ticket
  }

  /** Brings cards, prekeys and invites at them up to date. */
  async publish(): Promise<void> {
    await Promise.allSettled(this.#all.map((relay) => relay.publish()))
  }

  /** Waits until each was drained or tried, at most until the signal aborts. */
  async firstDrain(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#all.map((relay) => relay.firstDrain(signal)))
  }

  async stop(): Promise<void> {
    await Promise.all(this.#all.map((relay) => relay.stop()))
  }
}
