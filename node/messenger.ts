// The services of one running node, and what flows between them: effects of durable batches wake
// the service that acts on them. State lives in the Ledger; what is here can be rebuilt at any time.
import { setMaxListeners } from 'node:events'
import type { Bytes32 } from '../crypto/index.ts'
import {
  type Effect,
  type RelayChoice,
  allRelayChoices,
  chooseRelay,
  profile,
  profiles,
  refreshEndpoints,
  renewPrekeys,
  retryKept,
} from '../protocol/index.ts'
import type { Core } from './core.ts'
import type { CreateNodeOptions, NodePorts } from './create-node.ts'
import { Bundles } from './delivery/bundles.ts'
import { Carrier } from './delivery/carrier.ts'
import { ReceiptTimer } from './delivery/receipt-timer.ts'
import { directBundle } from './direct/direct-bundle.ts'
import { DirectService } from './direct/direct-service.ts'
import { StandingStreams } from './direct/standing-streams.ts'
import { NodeError } from './errors.ts'
import type { ChangeRow } from './ledger/change-feed.ts'
import { Ledger } from './ledger/ledger.ts'
import { GroupService } from './groups/group-service.ts'
import { closedError } from './messenger/calls.ts'
import { FeedWaiters } from './messenger/feed-waiters.ts'
import { joinPeerAddress } from './net/peer-id.ts'
import { parseRelayAddress } from './relays/relay-address.ts'
import type { OpenedProfile } from './profile/open-profile.ts'
import { GuardedClock } from './relay/guarded-clock.ts'
import { Recovery } from './recovery.ts'
import { Courier } from './relays/courier.ts'
import type { OwnRelay } from './relays/own-relay.ts'
import { OwnRelays } from './relays/own-relays.ts'
import { readSafeNow } from './safe-now.ts'
import { type Services, dispatch } from './services.ts'
import { SumsKeeper } from './sums.ts'
import { Upkeep } from './upkeep.ts'
import type { Host } from './transport.ts'
import { within } from './within.ts'

/** For saying goodbye on streams, and again for closing connections. */
const GOODBYE_MS = 1_500

export class Messenger {
  readonly core: Core
  readonly waiters: FeedWaiters = new FeedWaiters()
  readonly #options: CreateNodeOptions
  readonly #ports: NodePorts
  readonly #stop: AbortController
  readonly #recovery: Recovery
  readonly #upkeep: Upkeep
  /** Where the change feed stood before anything was fetched. */
  readonly startCursor: number
  #services: Services | undefined
  readonly #relays: OwnRelays
  #courierHost: Promise<Host> | undefined
  #closing: Promise<void> | undefined

  private constructor(options: {
    readonly core: Core
    readonly create: CreateNodeOptions
    readonly ports: NodePorts
    readonly stop: AbortController
    readonly opened: OpenedProfile
  }) {
    this.core = options.core
    this.#options = options.create
    this.#ports = options.ports
    this.#stop = options.stop
    const { core, opened } = options
    this.startCursor = core.ledger.cursor
    this.#relays = new OwnRelays({
      core,
      onChange: () => void this.#endpointsMayHaveChanged(),
      onDrained: (slot) => this.#report('upkeep', this.#upkeep.drained(slot)),
    })
    this.#recovery = new Recovery({
      core,
      profile: opened,
      onChange: () => this.waiters.wake(),
      onRecovered: () => this.#restart(),
    })
    this.#upkeep = new Upkeep({
      core,
      stateKeys: opened.stateKeys,
      tidy: opened.tidy,
      copied: opened.copied,
      sweepGroups: (drainedMs) => this.#services?.groups.sweep(drainedMs) ?? Promise.resolve(),
      drainedNow: () => this.#relays.drained,
    })
  }

  /** Opens the profile and starts every service. */
  static async start(options: CreateNodeOptions, ports: NodePorts): Promise<Messenger> {
    const { clock, random, provider } = ports
    const opened = await ports.profile({
      dir: options.dir,
      passphrase: options.passphrase,
    })
    const { records, identity } = opened
    const stop = new AbortController()
    // Everything that can wait hangs on it: many listeners are no leak.
    setMaxListeners(0, stop.signal)
    const log = options.log ?? (() => undefined)
    let messenger: Messenger | undefined
    try {
      const guarded = new GuardedClock(clock, await readSafeNow(records))
      const ledger = await Ledger.open({
        records,
        clock,
        safeNowMs: () => guarded.nowMs(),
        random,
        provider,
        self: identity.self,
        onEffects: (effects) => messenger?.carryOut(effects),
        onChanges: (rows) => messenger?.changed(rows),
        onFailure: (error) => messenger?.failed(error),
        onDefect: (error) => log('ledger', String(error)),
      })
      const { self } = identity
      const core: Core = {
        ledger,
        clock,
        guarded,
        random,
        provider,
        self,
        stopping: stop.signal,
        sums: new SumsKeeper(),
        log,
      }
      messenger = new Messenger({
        core,
        create: options,
        ports,
        stop,
        opened,
      })
      await messenger.#begin(identity.homeSeed)
      return messenger
    } catch (error) {
      stop.abort(error)
      if (messenger === undefined) await records.close()
      else await messenger.close()
      throw error
    }
  }

  get relays(): readonly OwnRelay[] {
    return this.#relays.all
  }

  /** Multiaddrs with /p2p. */
  addresses(): readonly string[] {
    const host = this.#services?.host
    return host === undefined
      ? []
      : host.addresses().map((address) => joinPeerAddress(address, host.transportKey))
  }

  /** What keeps a device's mail from moving, as sentences. */
  troubles(device: Bytes32): readonly string[] {
    if (this.#services === undefined) return ['this node is offline']
    const { bundles, carrier } = this.#services
    return [
      ...bundles.troubles(device),
      ...carrier.troubles(device).map((one) => `relay ${one.serviceKey.slice(0, 8)}: ${one.why}`),
    ]
  }

  /** What keeps the link of a contact from being answered, as sentences. */
  linkTroubles(contactNumber: number): readonly string[] {
    return this.#services?.bundles.linkTroubles(contactNumber) ?? ['this node is offline']
  }

  /** What keeps a group's messages from its relays, as sentences. */
  groupTroubles(gid: Bytes32): readonly string[] {
    return this.#services?.groups.troubles(gid) ?? ['this node is offline']
  }

  async #begin(homeSeed: Bytes32): Promise<void> {
    const { ledger } = this.core
    await ledger.run((turn) => renewPrekeys(turn))
    for (const text of this.#options.relays ?? []) {
      await ledger.run((turn) => chooseRelay(turn, parseRelayAddress(text)))
    }
    await this.#upkeep.start()
    if (this.#options.online === false) return
    await this.#startServices(homeSeed)
  }

  async #startServices(homeSeed: Bytes32): Promise<void> {
    const { core } = this
    const { ledger } = core
    const network = await this.#ports.network()
    const listen = this.#options.listen ?? []
    const host = await network.createHost({ seed: homeSeed, listen, role: 'home' })
    const courier = new Courier(core, () => this.#startCourierHost())
    const standing = new StandingStreams(core, host, (device) => direct.connect(device))
    const direct: DirectService = new DirectService({
      core,
      host,
      onLink: (device) => {
        this.#services?.carrier.kick(device)
        this.#report('standing streams', standing.renew(device))
      },
      bundle: (inviteId, caller) =>
        directBundle(core, host.transportKey, inviteId, caller?.account),
    })
    const carrier = new Carrier(core, direct, courier)
    const receipts = new ReceiptTimer(core)
    const bundles = new Bundles({
      core,
      direct,
      courier,
      onStarted: (device) => carrier.heard(device),
    })
    const groups = new GroupService({
      core,
      courier,
      host,
      ticket: (serviceKey) => this.#relays.ticketOf(serviceKey),
      ownRelays: () => this.#relays.serviceKeys,
    })
    this.#services = { host, direct, courier, carrier, bundles, receipts, groups }
    await ledger.run(function* (turn) {
      const before = yield* profile()
      // Named also where nothing listens: contacts that can be dialled know then whom they let in.
      const home = { transportKey: host.transportKey, addresses: host.addresses() }
      turn.put(profiles, 0, { ...before, home })
      yield* refreshEndpoints(turn)
    })
    await direct.start()
    this.#relays.start(host, await ledger.read(() => allRelayChoices()))
    await carrier.start()
    await standing.start()
    await receipts.start()
    await bundles.start()
    await groups.start()
  }

  /** Uses a relay from now on. */
  useRelay(choice: RelayChoice): Promise<void> {
    return this.#relays.use(choice)
  }

  /** Lets go of a relay that was left; the others are told where we are to be found now. */
  async leaveRelay(slot: number): Promise<void> {
    await this.#relays.leave(slot)
    await this.publish()
  }

  /** A second host with a throw-away key, made when it is first needed. */
  #startCourierHost(): Promise<Host> {
    this.#courierHost ??= this.#ports
      .network()
      .then((network) =>
        network.createHost({ seed: this.core.random(32), listen: [], role: 'courier' }),
      )
    return this.#courierHost
  }

  async #endpointsMayHaveChanged(): Promise<void> {
    try {
      await this.core.ledger.run((turn) => refreshEndpoints(turn))
      await this.publish()
    } catch (error) {
      if (!this.core.stopping.aborted) this.core.log('endpoints', String(error))
    }
  }

  /** Brings cards, prekeys and invites at the relays up to date. */
  publish(): Promise<void> {
    return this.#relays.publish()
  }

  /** Effects of a durable batch. */
  carryOut(effects: readonly Effect[]): void {
    this.core.sums.took(effects)
    const services = this.#services
    if (services === undefined || this.core.stopping.aborted) return
    dispatch(effects, services, {
      publish: () => void this.publish(),
      endpoints: (device) => this.#report('endpoints', this.#endpointsOf(device)),
      receipts: (device) => this.#report('receipts', services.receipts.due(device)),
      retryHeld: (device) => void this.#retryHeld(device),
    })
  }

  async #endpointsOf(device: Bytes32): Promise<void> {
    await this.#services?.direct.learn(device)
    this.#services?.carrier.heard(device)
    this.#services?.groups.endpointsChanged()
  }

  async #retryHeld(device: Bytes32): Promise<void> {
    try {
      while (await this.core.ledger.run((turn) => retryKept(turn, device))) {
        if (this.core.stopping.aborted) return
      }
    } catch (error) {
      this.core.log('held', String(error))
    }
  }

  /** The change feed grew. */
  changed(rows: readonly ChangeRow[]): void {
    this.core.sums.changed(rows)
    this.waiters.wake(rows)
  }

  /** A batch failed. */
  failed(error: NodeError): void {
    this.core.sums.error(error)
    this.#recovery.failed(error)
  }

  /** Why nothing can be written; '' while all is well. */
  get readOnly(): string {
    return this.#recovery.readOnly
  }

  async #restart(): Promise<void> {
    const services = this.#services
    if (services === undefined) return
    await services.carrier.start()
    await services.receipts.start()
    await services.bundles.start()
    await services.groups.start()
  }

  /** Drops what connects us with an account that was blocked or removed. */
  dropAccount(account: Bytes32): void {
    this.#report('direct', this.#services?.direct.drop(account))
  }

  /** Work that nobody waits for: what it fails with is told, and ends no process. */
  #report(scope: string, work: Promise<unknown> | undefined): void {
    work?.catch((error: unknown) => {
      if (!this.core.stopping.aborted) this.core.log(scope, String(error))
    })
  }

  /**
   * Waits until every relay was drained or tried, and every path either carried what waits or
   * stands in its back-off; at most until the signal aborts.
   */
  async settle(signal: AbortSignal): Promise<void> {
    const services = this.#services
    if (services === undefined) return
    // Every mailbox listens on it while it is waited for: many are no leak.
    setMaxListeners(0, signal)
    await this.#relays.firstDrain(signal)
    await services.bundles.settled(signal)
    await this.core.ledger.settled()
    await services.receipts.flush()
    await this.core.ledger.settled()
    await services.carrier.settled(signal)
    await this.core.ledger.settled()
    await services.groups.settled(signal)
    await this.core.ledger.settled()
  }

  close(): Promise<void> {
    this.#closing ??= this.#shutDown()
    return this.#closing
  }

  async #shutDown(): Promise<void> {
    const services = this.#services
    this.#stop.abort(new NodeError('CLOSED', 'the node is closed'))
    this.waiters.wake()
    await this.#upkeep.stop()
    services?.receipts.stop()
    services?.bundles.stop()
    services?.carrier.stop()
    await within(this.core.clock, GOODBYE_MS, [
      this.#relays.stop(),
      services?.groups.stop(),
      services?.direct.stop(),
      services?.courier.stop(),
    ])
    // On a disk without room statistics are the least of it.
    await this.core.sums.flush(this.core.ledger).catch(() => undefined)
    await this.core.ledger.end(closedError())
    await within(this.core.clock, GOODBYE_MS, [
      services?.host.stop(),
      this.#courierHost?.then((host) => host.stop()),
    ])
    await this.#recovery.close()
  }
}
