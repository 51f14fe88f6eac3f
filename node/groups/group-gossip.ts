// Groups over gossip (SPEC.md §22): listens to the topics of our groups, hands what comes to the same
// machine as the mailboxes do, and hands on what goes out. Nothing rests on it.
import type { Bytes32 } from '../../crypto/index.ts'
import { gossipTopics, takeGroupMessage } from '../../protocol/index.ts'
import type { Timer } from '../clock.ts'
import type { Core } from '../core.ts'
import type { Gossip, GossipMessage, GossipVerdict } from '../gossip.ts'
import type { Host } from '../transport.ts'

/** Topics change with the week, and with who is known: looked at this often, and at each change. */
const ROUND_MS = 600_000

export class GroupGossip {
  readonly #core: Core
  readonly #host: Host
  #gossip: Promise<Gossip> | undefined
  /** Groups by topic. */
  #topics = new Map<string, Bytes32>()
  #timer: Timer | undefined
  #running = false
  #again = false

  constructor(core: Core, host: Host) {
    this.#core = core
    this.#host = host
  }

  /** Groups, members or their hosts changed. */
  refresh(): void {
    if (this.#running) {
      this.#again = true
      return
    }
    void this.#refreshAll()
  }

  /** Hands a message to the members who are connected now. */
  async publish(topic: string, message: Uint8Array): Promise<void> {
    try {
      const gossip = await this.#gossip
      if (this.#topics.has(topic)) await gossip?.publish(topic, message)
    } catch (error) {
      this.#report(error)
    }
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
    const gossip = await this.#gossip?.catch(() => undefined)
    await gossip?.stop()
  }

  async #refreshAll(): Promise<void> {
    this.#running = true
    this.#timer?.cancel()
    try {
      do {
        this.#again = false
        await this.#follow()
      } while (this.#again)
    } catch (error) {
      this.#report(error)
    } finally {
      this.#running = false
    }
    if (this.#core.stopping.aborted) return
    this.#timer = this.#core.clock.after(ROUND_MS, () => this.refresh())
  }

  async #follow(): Promise<void> {
    const wanted = await this.#core.ledger.read((turn) => gossipTopics(turn))
    // Without anybody to exchange with nothing is started: most groups meet at their relays.
    if (wanted.length === 0 && this.#gossip === undefined) return
    const { clock } = this.#core
    this.#gossip ??= this.#host.startGossip({ clock, validate: (one) => this.#validate(one) })
    const gossip = await this.#gossip
    const before = this.#topics
    this.#topics = new Map(wanted.map(({ topic, gid }) => [topic, gid]))
    for (const topic of before.keys()) {
      if (this.#topics.has(topic)) continue
      gossip.unsubscribe(topic)
      gossip.setPeers(topic, [])
    }
    for (const { topic, peers } of wanted) {
      gossip.setPeers(topic, peers)
      if (!before.has(topic)) gossip.subscribe(topic)
    }
  }

  /** Judged by taking it: shown only once it is durable, handed on only if it was new. */
  async #validate({ topic, data, from }: GossipMessage): Promise<GossipVerdict> {
    const gid = this.#topics.get(topic)
    if (gid === undefined) return 'ignore'
    const handed = { gid, source: from }
    const taken = await this.#core.ledger.run((turn) => takeGroupMessage(turn, data, handed))
    if (taken === 'new') return 'accept'
    return taken === 'bad' ? 'reject' : 'ignore'
  }

  #report(error: unknown): void {
    if (!this.#core.stopping.aborted) this.#core.log('gossip', String(error))
  }
}
