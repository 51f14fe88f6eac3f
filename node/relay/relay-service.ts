// The relay as it runs: a host that accepts streams, a store behind a committer, and what ties them
// together. It takes its ports, so that the simulator runs this very code.
import { type Bytes8, type Bytes32, type CryptoProvider, type Random } from '../../crypto/index.ts'
import {
  type Load,
  MAILBOX_LIMITS,
  type MailboxCounters,
  type MailboxLimits,
  type MailboxTurn,
  type OpReply,
  itemsAfter,
  ringItemsAfter,
} from '../../protocol/index.ts'
import type { Clock, Timer } from '../clock.ts'
import type { Store } from '../store.ts'
import type { FrameStream, Host } from '../transport.ts'
import { within } from '../within.ts'
import { AddressLimits } from './address-limits.ts'
import { Committer, type FlushSlot } from './committer.ts'
import { RelayConnection } from './connection.ts'
import { Credentials, type RelaySeeds } from './credentials.ts'
import { type Figures, zeroFigures } from './figures.ts'
import { FlushView } from './flush-view.ts'
import { GuardedClock } from './guarded-clock.ts'
import { LeastRecentMap } from './least-recent-map.ts'
import {
  CLOCK_SAVE_MS,
  CONNECTION_OPS_PER_S,
  COUNTERS_MAX,
  DRAIN_MS,
  INFLIGHT_BYTES_MAX,
  INFLIGHT_OPS_MAX,
  LAG_PROBE_MS,
  LAG_SHED_MS,
  RELAY_PROTOCOL,
} from './limits.ts'
import type { RelayCore } from './op-place.ts'
import { RoomWaiters } from './room-waiters.ts'
import { readHead, writeHead } from './store-head.ts'
import { Subscriptions } from './subscriptions.ts'
import { Sweeper } from './sweeper.ts'
import { TokenBuckets } from './token-buckets.ts'

export interface RelayServiceOptions {
  readonly host: Host
  readonly store: Store
  /** Opens the store anew after a failed write; without it the relay answers `busy` from then on. */
  readonly reopen?: () => Promise<Store>
  readonly clock: Clock
  readonly random: Random
  readonly provider: CryptoProvider
  readonly seeds: Omit<RelaySeeds, 'transport'>
  readonly limits?: Partial<MailboxLimits>
  /** Leading zero bits asked of strangers' deposits, and of new mailboxes. */
  readonly depositBits?: number
  readonly openBits?: number
  /** Tickets that open a mailbox without work. */
  readonly isTicket?: (ticket: Uint8Array) => boolean
  /** Part of the disk allowed that is used. */
  readonly diskUsed?: () => number
  /** How often it looks whether the loop is behind; 0: never, as where time is virtual. */
  readonly lagProbeMs?: number
  /** Addresses told in the descriptor, instead of those the host listens on. */
  readonly announce?: readonly string[]
  /** Something its operator should know; never a mailbox, key or address of anybody. */
  readonly onWarning?: (code: string, error: unknown) => void
}

const DEPOSIT_BITS = 20
const OPEN_BITS = 22
const LOOPBACK = /^\/(ip4\/127\.|ip6\/::1\/)/
/** HELLO's features: bit 3, groups; bit 4, prekeys. */
const FEATURES = (1 << 3) | (1 << 4)
const MINOR = 0

export interface RelayService {
  readonly serviceKey: Bytes32
  readonly figures: Figures
  readonly connections: number
  readonly subscriptions: number
  readonly queuedOps: number
  /** Whether deposits are taken. */
  readonly ready: boolean
  /** The guarded clock, Unix ms. */
  nowMs(): number
  /** Sweeps what ended now, instead of at the next minute. */
  sweep(): Promise<void>
  /** `draining`, GOAWAY, flush, answer what is flushed, close. The host and the store stay open. */
  drain(): Promise<void>
}

/** Starts a relay on a host and a store. Rejects with NodeError where the store is not a relay's. */
export async function startRelayService(options: RelayServiceOptions): Promise<RelayService> {
  const head = await readHead(options.store, options.random)
  const safe = new GuardedClock(options.clock, head.safeNowMs)
  await options.store.write([writeHead(head.storeEpoch, safe.nowMs())])
  if (safe.distrusted) options.onWarning?.('CLOCK_DISTRUSTED', undefined)
  const service = new Service(options, head.storeEpoch, safe)
  await options.host.handle(RELAY_PROTOCOL, (stream) => service.accept(stream))
  service.start()
  return service
}

class Service implements RelayService {
  readonly figures = zeroFigures()
  readonly serviceKey: Bytes32
  readonly #options: RelayServiceOptions
  readonly #limits: MailboxLimits
  readonly #storeEpoch: Bytes8
  readonly #safe: GuardedClock
  readonly #credentials: Credentials
  readonly #committer: Committer
  readonly #subscriptions: Subscriptions
  readonly #room: RoomWaiters
  readonly #sweeper: Sweeper
  readonly #addresses: AddressLimits
  readonly #gate: TokenBuckets
  readonly #counters = new LeastRecentMap<MailboxCounters>(COUNTERS_MAX)
  readonly #connections = new Set<RelayConnection>()
  readonly #dummySecret: Bytes32
  readonly #core: RelayCore
  readonly #timers = new Map<string, Timer>()
  #nextSource = 1
  #lagging = false
  #draining = false

  constructor(options: RelayServiceOptions, storeEpoch: Bytes8, safe: GuardedClock) {
    const { clock, provider, host } = options
    this.#options = options
    this.#limits = { ...MAILBOX_LIMITS, ...options.limits }
    this.#storeEpoch = storeEpoch
    this.#safe = safe
    this.#dummySecret = options.random(32)
    this.#addresses = new AddressLimits(clock)
    this.#gate = new TokenBuckets(clock)
    this.#room = new RoomWaiters(this.#limits)
    this.#credentials = new Credentials({
      seeds: options.seeds,
      transportKey: host.transportKey,
      addresses: () => options.announce ?? host.addresses(),
      provider,
      nowMs: () => safe.nowMs(),
      limits: this.#limits,
      depositBits: this.#depositBits,
      openBits: this.#openBits,
      roles: FEATURES,
    })
    this.serviceKey = this.#credentials.serviceKey
    this.#committer = new Committer({
      store: options.store,
      reopen: options.reopen,
      clock,
      provider,
      figures: this.figures,
      nowMs: () => safe.nowMs(),
      signRoot: (at, count, root) => this.#credentials.signRoot(at, count, root),
      blindWrite: () => writeHead(storeEpoch, safe.nowMs()),
      onFailure: (error) => {
        this.#counters.clear()
        options.onWarning?.('STORE_FAILED', error)
      },
      onDefect: (error) => options.onWarning?.('INTERNAL', error),
    })
    this.#subscriptions = new Subscriptions({
      clock,
      figures: this.figures,
      itemsAfter: (mailboxId, afterSeq, limit) =>
        new FlushView(this.#committer.store).run(itemsAfter(mailboxId, afterSeq, limit)),
      ringItemsAfter: (mailboxId, afterSeq, limit) =>
        new FlushView(this.#committer.store).run(ringItemsAfter(mailboxId, afterSeq, limit)),
    })
    this.#sweeper = new Sweeper({
      clock,
      committer: this.#committer,
      turnOf: (slot) => this.#turnOf(slot),
      figures: this.figures,
      room: this.#room,
      mayDelete: () => !safe.distrusted,
    })
    this.#core = this.#makeCore()
  }

  get connections(): number {
    return this.#connections.size
  }

  get subscriptions(): number {
    return this.#subscriptions.size
  }

  get queuedOps(): number {
    return this.#committer.queuedOps
  }

  get ready(): boolean {
    return this.#committer.healthy && !this.#draining
  }

  get #depositBits(): number {
    return this.#options.depositBits ?? DEPOSIT_BITS
  }

  get #openBits(): number {
    const { openBits, host } = this.#options
    // Who can only be reached from this machine has nothing to fear from new mailboxes.
    const local = host.addresses().every((address) => LOOPBACK.test(address))
    return openBits ?? (local ? 0 : OPEN_BITS)
  }

  nowMs(): number {
    return this.#safe.nowMs()
  }

  sweep(): Promise<void> {
    return this.#sweeper.sweep()
  }

  start(): void {
    this.#sweeper.start()
    this.#saveClock()
    this.#probeLag()
  }

  accept(stream: FrameStream): void {
    const leave = this.#draining ? undefined : this.#addresses.enter(stream.remoteAddress)
    if (leave === undefined) {
      this.figures.connectionsRefused += 1
      stream.abort(new Error('refused'))
      return
    }
    this.figures.connectionsOpened += 1
    const source = String(this.#nextSource++)
    const connection = new RelayConnection(stream, source, {
      core: this.#core,
      committer: this.#committer,
      clock: this.#options.clock,
      turnOf: (slot) => this.#turnOf(slot),
      isDraining: () => this.#draining,
      onClose: (closed) => {
        leave()
        this.figures.connectionsClosed += 1
        this.#connections.delete(closed)
      },
    })
    if (stream.open) this.#connections.add(connection)
  }

  async drain(): Promise<void> {
    if (this.#draining) return
    this.#draining = true
    this.#credentials.drain()
    this.#sweeper.stop()
    for (const timer of this.#timers.values()) timer.cancel()
    for (const connection of this.#connections) connection.goAway()
    await this.#committer.stop()
    await this.#committer.store
      .write([writeHead(this.#storeEpoch, this.#safe.nowMs())])
      .catch((error: unknown) => this.#options.onWarning?.('STORE_FAILED', error))
    const streams = [...this.#connections].map(({ stream }) => stream)
    await within(
      this.#options.clock,
      DRAIN_MS,
      streams.map((stream) => stream.close()),
    )
    for (const stream of streams) {
      if (stream.open) stream.abort(new Error('the relay stops'))
    }
  }

  #makeCore(): RelayCore {
    const { host, isTicket } = this.#options
    return {
      serviceKey: this.serviceKey,
      transportKey: host.transportKey,
      figures: this.figures,
      subscriptions: this.#subscriptions,
      room: this.#room,
      isTicket: isTicket ?? (() => false),
      hello: (nonce) => this.#hello(nonce),
      descriptor: () => this.#credentials.descriptor(),
      trim: (mailboxId, share) => this.#sweeper.trim(mailboxId, share),
    }
  }

  #hello(nonce: Bytes32): OpReply<'hello'> {
    return {
      minor: MINOR,
      features: FEATURES,
      nonce,
      serviceKey: this.serviceKey,
      descriptorSeq: this.#credentials.descriptor().seq,
      timeMs: this.#safe.nowMs(),
      depositBits: this.#depositBits,
      openBits: this.#openBits,
      inflightOps: INFLIGHT_OPS_MAX,
      inflightBytes: INFLIGHT_BYTES_MAX,
      opsPerSecond: CONNECTION_OPS_PER_S,
    }
  }

  #turnOf(slot: FlushSlot): MailboxTurn {
    const { provider, random, diskUsed } = this.#options
    const openBits = (): number => this.#openBits
    return {
      nowS: this.#safe.nowS(),
      crypto: provider,
      random,
      serviceKey: this.serviceKey,
      storeEpoch: this.#storeEpoch,
      limits: this.#limits,
      diskUsed: diskUsed?.() ?? 0,
      mayDelete: !this.#safe.distrusted,
      shedding: this.#lagging,
      depositBits: this.#depositBits,
      // It asks the host for its addresses: only where a mailbox is opened.
      get openBits() {
        return openBits()
      },
      dummySecret: this.#dummySecret,
      gate: this.#gate,
      counters: this.#counters,
      put: slot.view.put,
      remove: slot.view.remove,
    }
  }

  #saveClock(): void {
    const epoch = this.#storeEpoch
    const safe = this.#safe
    const timer = this.#options.clock.after(CLOCK_SAVE_MS, () => {
      this.#committer.submit({
        ops: 1,
        bytes: 0,
        reads: [],
        *steps({ view }): Generator<Load, void, unknown> {
          view.writeAlso(writeHead(epoch, safe.nowMs()))
        },
        done: () => undefined,
        failed: () => undefined,
      })
      if (!this.#draining) this.#saveClock()
    })
    this.#timers.set('clock', timer)
  }

  /** A timer that comes late says that the loop is behind. */
  #probeLag(): void {
    const { clock, lagProbeMs = LAG_PROBE_MS } = this.#options
    if (lagProbeMs === 0) return
    const startMs = clock.monotonicMs()
    const timer = clock.after(lagProbeMs, () => {
      this.#lagging = clock.monotonicMs() - startMs - lagProbeMs > LAG_SHED_MS
      if (!this.#draining) this.#probeLag()
    })
    this.#timers.set('lag', timer)
  }
}
