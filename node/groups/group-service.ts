// All groups of a running node: a worker each, woken by effects and by the clock.
import { type Bytes32, toHex } from '../../crypto/index.ts'
import { allGroups } from '../../protocol/index.ts'
import type { Core } from '../core.ts'
import type { Courier } from '../relays/courier.ts'
import { Signal } from '../signal.ts'
import type { Host } from '../transport.ts'
import { GroupGossip } from './group-gossip.ts'
import { GroupWorker } from './group-worker.ts'

export interface GroupServiceOptions {
  readonly core: Core
  readonly courier: Courier
  readonly host: Host
  /** A ticket of one of our own relays, where it gives any. */
  readonly ticket: (serviceKey: Bytes32) => Promise<Uint8Array | undefined>
  /** Service keys of own relays that are reached now. */
  readonly ownRelays: () => readonly Bytes32[]
}

export class GroupService {
  readonly #options: GroupServiceOptions
  readonly #workers = new Map<string, GroupWorker>()
  readonly #gossip: GroupGossip
  readonly #changed = new Signal()

  constructor(options: GroupServiceOptions) {
    this.#options = options
    this.#gossip = new GroupGossip(options.core, options.host)
  }

  /** Takes up every group where the last run left it. */
  async start(): Promise<void> {
    const groups = await this.#options.core.ledger.read(() => allGroups())
    for (const { gid } of groups) if (gid !== undefined) this.kick(gid)
    if (groups.length > 0) this.#gossip.refresh()
  }

  /** Something of a group changed; `later`: entries of others came, and nothing else did. */
  kick(gid: Bytes32, later = false): void {
    const { core, courier, ticket, ownRelays } = this.#options
    if (core.stopping.aborted) return
    const key = toHex(gid)
    let worker = this.#workers.get(key)
    if (worker === undefined) {
      const onProgress = (): void => this.#changed.raise()
      worker = new GroupWorker({ core, courier, gid, ticket, ownRelays, onProgress })
      this.#workers.set(key, worker)
    }
    if (later) return worker.kickLater()
    worker.kick()
    this.#gossip.refresh()
  }

  /** Hands a message to the members who are connected now. */
  publish(topic: string, message: Uint8Array): void {
    void this.#gossip.publish(topic, message)
  }

  /** Where members are reached changed. */
  endpointsChanged(): void {
    if (this.#workers.size > 0) this.#gossip.refresh()
  }

  /** Once an hour: deletes what groups need no more. One that fails is told, and holds up no other. */
  async sweep(ownDrainedMs: number): Promise<void> {
    const { log, stopping } = this.#options.core
    for (const worker of this.#workers.values()) {
      await worker.sweep(ownDrainedMs).catch((error: unknown) => {
        if (!stopping.aborted) log('group', `sweep: ${String(error)}`)
      })
    }
  }

  troubles(gid: Bytes32): readonly string[] {
    return this.#workers.get(toHex(gid))?.troubles ?? []
  }

  /** Resolves when mailboxes were read to their heads and nothing is under way. */
  async settled(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#workers.values()].map((worker) => worker.firstDrain(signal)))
    while (!signal.aborted && [...this.#workers.values()].some((worker) => worker.active)) {
      await this.#changed.next(signal)
    }
  }

  async stop(): Promise<void> {
    this.#changed.raise()
    await Promise.all([
      this.#gossip.stop(),
      ...[...this.#workers.values()].map((worker) => worker.stop()),
    ])
  }
}
