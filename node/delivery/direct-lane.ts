// Carries a device's outbox over its direct stream, in order, within the stream's window.
import { type Bytes32, toHex } from '../../crypto/index.ts'
import { BACKOFF_MAX_MS, type OutboxItem, noteAnswer, outboxItems } from '../../protocol/index.ts'
import type { Core } from '../core.ts'
import type { DirectLink } from '../direct/direct-link.ts'

const PAGE = 64
/** Wait after an answer that could not be noted. */
const UNNOTED_MS = 1_000

export class DirectLane {
  readonly #core: Core
  readonly #device: Bytes32
  /** Something moved; `alive`: the peer took something. */
  readonly #onProgress: (alive: boolean) => void
  /** Sequences on the way over the current link. */
  #flying = new Set<number>()
  /** Introductions that were repeated on the current link. */
  #introduced = new Set<number>()
  #link: DirectLink | undefined
  #busyUntilMs = 0
  /** The last answer was busy: one envelope asks whether that is over, before the others go. */
  #busy = false
  /** In the pause that a busy peer asked for. */
  #pausing = false
  #running = false
  #again = false

  constructor(core: Core, device: Bytes32, onProgress: (alive: boolean) => void) {
    this.#core = core
    this.#device = device
    this.#onProgress = onProgress
  }

  /** Whether anything is under way; a lane in a pause is not. */
  get active(): boolean {
    return (this.#running && !this.#pausing) || this.#flying.size > 0
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
        // From the oldest one again after a pause.
        if (!(await this.#offer(link, item)) || !link.open) return
      }
      if (items.length < PAGE) return
    }
  }

  /** Sends an item where it is to be sent; false where the peer is busy, and the pass is over. */
  async #offer(link: DirectLink, item: OutboxItem): Promise<boolean> {
    const { message, sequence } = item
    if (message === undefined || this.#flying.has(sequence)) return true
    if (item.heldThere && !this.#mustIntroduce(item)) return true
    while (link.open && !link.hasRoom) await link.room()
    if (!link.open) return true
    const waitMs = this.#busyUntilMs - this.#core.clock.monotonicMs()
    if (waitMs > 0) return this.#pause(waitMs)
    this.#flying.add(sequence)
    const carried = this.#carry(link, sequence, message.sid, message.inner)
    if (!this.#busy) return true
    await carried
    return !this.#busy
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

  async #pause(waitMs: number): Promise<false> {
    this.#pausing = true
    this.#again = true
    this.#onProgress(false)
    try {
      await this.#core.clock.sleep(waitMs, this.#core.stopping)
    } finally {
      this.#pausing = false
    }
    return false
  }

  async #carry(
    link: DirectLink,
    sequence: number,
    sid: Uint8Array,
    inner: Uint8Array,
  ): Promise<void> {
    const flying = this.#flying
    let alive = false
    let busy = false
    try {
      const answer = await link.envelope(sid, inner)
      if (answer === undefined) return
      busy = answer.code === 'busy'
      alive = !busy
      this.#busy = busy
      if (busy) {
        this.#core.sums.count('busyAnswers')
        this.#busyUntilMs = this.#core.clock.monotonicMs() + Math.min(answer.detail, BACKOFF_MAX_MS)
        return
      }
      const key = { device: this.#device, sequence, sid }
      await this.#core.ledger.run((turn) => noteAnswer(turn, key, answer, link.remoteKey))
    } catch (error) {
      const { log, stopping, ledger, clock } = this.#core
      const device = toHex(this.#device).slice(0, 8)
      if (!stopping.aborted) log('direct', `answer of ${device} lost: ${String(error)}`)
      // Asked for once more; what cannot be written at all is taken up when it can.
      busy = ledger.writable
      this.#busyUntilMs = clock.monotonicMs() + UNNOTED_MS
    } finally {
      flying.delete(sequence)
      this.#onProgress(alive)
      if (busy && this.#link === link) this.#resume(link)
    }
  }

  /** Goes on after the pause, whether or not a pass is under way. */
  #resume(link: DirectLink): void {
    this.run(link).catch((error: unknown) => {
      if (!this.#core.stopping.aborted) this.#core.log('direct', String(error))
    })
  }
}
