// One connection of the network in memory: the streams on it, and how it ends.
import type { Clock } from '../clock.ts'
import type { FrameStream } from '../transport.ts'
import { KEEP_ALIVE_MS } from './limits.ts'
import { type MemoryCarrier, type MemoryEnd, connectionLost } from './memory-stream.ts'

/** When a side that hears nothing gives a connection up: two keep-alives. */
const DEAD_AFTER_MS = 2 * KEEP_ALIVE_MS

interface OpenStream<Side> {
  readonly opener: Side
  readonly near: MemoryEnd
  readonly far: MemoryEnd
}

export interface ConnectionOptions<Side> {
  readonly clock: Clock
  readonly dialer: Side
  readonly listener: Side
  /** The address that was dialled. */
  readonly address: string
  readonly onClose: () => void
}

/** One connection between two hosts, and the streams on it. */
export class MemoryConnection<Side> {
  readonly dialer: Side
  readonly listener: Side
  readonly address: string
  readonly #clock: Clock
  readonly #ends = new Set<OpenStream<Side>>()
  open = true

  readonly #onClose: () => void

  constructor(options: ConnectionOptions<Side>) {
    this.#clock = options.clock
    this.dialer = options.dialer
    this.listener = options.listener
    this.address = options.address
    this.#onClose = options.onClose
  }

  other(side: Side): Side {
    return side === this.dialer ? this.listener : this.dialer
  }

  add(ends: OpenStream<Side>): void {
    for (const each of this.#ends) {
      if (each.near.carrier.over && each.far.carrier.over) this.#ends.delete(each)
    }
    this.#ends.add(ends)
  }

  streamsOf(side: Side): readonly FrameStream[] {
    return [...this.#ends].map(({ near, far, opener }) =>
      opener === side ? near.stream : far.stream,
    )
  }

  pump(): void {
    for (const { near, far } of this.#ends) {
      near.carrier.pump()
      far.carrier.pump()
    }
  }

  #close(): readonly OpenStream<Side>[] {
    this.open = false
    this.#onClose()
    const ends = [...this.#ends]
    this.#ends.clear()
    return ends
  }

  /** One side goes away; the other sees it after what that side sent before. */
  leave(side: Side): void {
    if (!this.open) return
    for (const { near, far, opener } of this.#close()) {
      const [leaving, staying] = opener === side ? [near, far] : [far, near]
      if (!leaving.carrier.leave()) this.#breakAfter(staying.carrier, DEAD_AFTER_MS)
    }
  }

  /** The network loses it, and what is in the air; each side notices after a delay of its own. */
  break(delayMs: () => number): void {
    if (!this.open) return
    for (const { near, far } of this.#close()) {
      near.carrier.sever()
      far.carrier.sever()
      this.#breakAfter(near.carrier, delayMs())
      this.#breakAfter(far.carrier, delayMs())
    }
  }

  #breakAfter(carrier: MemoryCarrier, delayMs: number): void {
    this.#clock.after(delayMs, () => carrier.break(connectionLost()))
  }
}
