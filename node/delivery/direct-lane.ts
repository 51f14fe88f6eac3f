// Carries a device's outbox over its direct stream, in order, within the stream's window.
import { type Bytes32, toHex } from '../../crypto/index.ts'
import { type OutboxItem, noteAnswer, outboxItems } from '../../protocol/index.ts'
import type { Core } from '../core.ts'
import type { DirectLink } from '../direct/direct-link.ts'

const PAGE = 64

export class DirectLane {
  readonly #core: Core
  readonly #device: Bytes32
  readonly #onAnswer: () => void
  /** Sequences on the way over the current link. */
  #flying = new Set<number>()
  /** Introductions that were repeated on the current link. */
  #introduced = new Set<number>()
  #link: DirectLink | undefined
  #busyUntilMs = 0
  #running = false
  #again = false

  constructor(core: Core, device: Bytes32, onAnswer: () => void) {
    this.#core = core
    this.#device = device
    this.#onAnswer = onAnswer
  }

  /** Whether anything is under way. */
  get active(): boolean {
    return this.#running || this.#flying.size > 0
  }

  /** Sends whatever is not on its way yet over this link, in the place of an earlier one. */
  async run(link: DirectLink): Promise<void> {
    if (this.#link !== link) {
      this.#link = link
      this.#flying = new Set()
      this.#introduced = new Set()
    }
    this.#again = true
    if (this.#running) return
    this.#running = true
    try {
      while (this.#again) {
        this.#again = false
        // The newest one: the one that this began with may have ended meanwhile.
        await this.#pass(this.#link)
      }
    } finally {
      this.#running = false
    }
  }

  async #pass(link: DirectLink): Promise<void> {
    try {
      await link.ready()
    } catch (error) {
      // It died before it was greeted: whoever holds a newer one asked again.
      if (!this.#core.stopping.aborted) this.#core.log('direct', `stream lost: ${String(error)}`)
      return
    }
    for (let from = 0; link.open;) {
      const items = await this.#core.ledger.read(() => outboxItems(this.#device, from, PAGE))
      for (const item of items) {
        from = item.sequence + 1
        await this.#offer(link, item)
        if (!link.open) return
      }
      if (items.length < PAGE) return
    }
  }

  async #offer(link: DirectLink, item: OutboxItem): Promise<void> {
    const { message, sequence } = item
    if (message === undefined || this.#flying.has(sequence)) return
    if (item.heldThere && !this.#mustIntroduce(item)) return
    await this.#waitWhileBusy()
    while (link.open && !link.hasRoom) await link.room()
    if (!link.open) return
    this.#flying.add(sequence)
    void this.#carry(link, sequence, message.sid, message.inner)
  }

  /**
   * Who was never answered says who it is once on every new stream: the other side may know it only
   * by that, after a restart in the middle of a first contact.
   */
  #mustIntroduce({ content, sequence }: OutboxItem): boolean {
    if (content.kind !== 'notice' || !content.untilHeard) return false
    if (this.#introduced.has(sequence)) return false
    this.#introduced.add(sequence)
    return true
  }

  async #waitWhileBusy(): Promise<void> {
    const waitMs = this.#busyUntilMs - this.#core.clock.monotonicMs()
    if (waitMs > 0) await this.#core.clock.sleep(waitMs, this.#core.stopping)
  }

  async #carry(
    link: DirectLink,
    sequence: number,
    sid: Uint8Array,
    inner: Uint8Array,
  ): Promise<void> {
    const flying = this.#flying
    let busy = false
    try {
      const answer = await link.envelope(sid, inner)
      if (answer === undefined) return
      if (answer.code === 'busy') {
        this.#busyUntilMs = this.#core.clock.monotonicMs() + answer.detail
        busy = true
      }
      const key = { device: this.#device, sequence, sid }
      await this.#core.ledger.run((turn) => noteAnswer(turn, key, answer, link.remoteKey))
    } catch (error) {
      const { log, stopping } = this.#core
      const device = toHex(this.#device).slice(0, 8)
      if (!stopping.aborted) log('direct', `answer of ${device} lost: ${String(error)}`)
    } finally {
      flying.delete(sequence)
      this.#onAnswer()
    }
    if (busy && this.#link === link) await this.#resume(link)
  }

  async #resume(link: DirectLink): Promise<void> {
    try {
      await this.run(link)
    } catch (error) {
      if (!this.#core.stopping.aborted) this.#core.log('direct', String(error))
    }
  }
}
