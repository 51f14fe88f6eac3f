// The wire under the simulator: delays, fragments, stalls, cuts, partitions, resets.
import type { Wire } from '../../node/net/memory-stream.ts'
import type { Prng } from './prng.ts'

export interface WireSettings {
  /** One way, shortest and longest. */
  readonly delayMs: readonly [number, number]
  /** Sometimes a piece takes ten times as long. */
  readonly lagChance: number
  /** Bytes are delivered in random pieces rather than as they were written. */
  readonly fragments: boolean
  /** Bytes per ms; undefined for no limit. */
  readonly bytesPerMs?: number
  /** A piece of gossip is lost: a stream that broke, a buffer that was full. */
  readonly gossipLossChance?: number
}

const CALM_WIRE: WireSettings = { delayMs: [5, 40], lagChance: 0.01, fragments: true }

/** Nothing rests on gossip: the simulator loses some always. */
const GOSSIP_LOSS_CHANCE = 0.05

export class FaultyWire implements Wire {
  /** May be replaced at any time. */
  settings: WireSettings
  readonly #prng: Prng
  readonly #cut = new Set<string>()
  readonly #onSend: (from: string, to: string, sizeBytes: number) => void

  constructor(
    prng: Prng,
    settings: WireSettings = CALM_WIRE,
    onSend: (from: string, to: string, sizeBytes: number) => void = () => undefined,
  ) {
    this.#prng = prng
    this.settings = settings
    this.#onSend = onSend
  }

  delayMs(from: string, to: string, sizeBytes: number): number | undefined {
    if (this.#cut.has(`${from}>${to}`)) return undefined
    this.#onSend(from, to, sizeBytes)
    if (from === to) return 0
    const [min, max] = this.settings.delayMs
    const lag = this.#prng.chance(this.settings.lagChance) ? 10 : 1
    const passage =
      this.settings.bytesPerMs === undefined ? 0 : sizeBytes / this.settings.bytesPerMs
    return lag * (min + this.#prng.unit() * (max - min)) + passage
  }

  pieceBytes(_from: string, _to: string, sizeBytes: number): number {
    if (!this.settings.fragments || this.#prng.chance(0.5)) return sizeBytes
    return this.#prng.integer(1, sizeBytes)
  }

  loses(from: string, to: string): boolean {
    if (from === to) return false
    return this.#prng.chance(this.settings.gossipLossChance ?? GOSSIP_LOSS_CHANCE)
  }

  /** Nothing passes from one machine to another; what is sent waits. The way back stays open. */
  cut(from: string, to: string): void {
    this.#cut.add(`${from}>${to}`)
  }

  mend(from: string, to: string): void {
    this.#cut.delete(`${from}>${to}`)
  }

  mendAll(): void {
    this.#cut.clear()
  }
}
