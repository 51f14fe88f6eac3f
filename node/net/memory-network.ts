// A network within one process: for createTestNetwork, and under the simulator, which puts faults
// on its wire. Hosts live on named machines; what passes between two machines is the wire's to say.
import { type Bytes32, equalBytes, noble } from '../../crypto/index.ts'
import { type Clock, TimeoutError } from '../clock.ts'
import { NodeError } from '../errors.ts'
import type { Gossip, GossipOptions } from '../gossip.ts'
import type {
  DialOptions,
  FrameStream,
  Host,
  HostOptions,
  Network,
  ProtocolSpec,
} from '../transport.ts'
import { parseAddress } from './address.ts'
import { noGossip } from './gossip-door.ts'
import { DIAL_TIMEOUT_MS } from './limits.ts'
import { MemoryConnection } from './memory-connection.ts'
import { type GossipSite, MemoryGossip } from './memory-gossip.ts'
import { Lane, type Wire, memoryStreamPair } from './memory-stream.ts'
import { splitPeerAddress } from './peer-id.ts'

/** A wire that delivers everything at once and whole. */
const PERFECT_WIRE: Wire = {
  delayMs: () => 0,
  loses: () => false,
  pieceBytes: (_from, _to, sizeBytes) => sizeBytes,
}

/** TCP's first retransmission of a connection request. */
const DIAL_RETRY_MS = 1000
const CLOSE_TIMEOUT_MS = 1000
const FIRST_PORT = 10_001

interface Handler {
  readonly protocol: ProtocolSpec
  readonly accept: (stream: FrameStream) => void
}

type HostConnection = MemoryConnection<MemoryHost>

class MemoryHost implements Host, GossipSite {
  readonly transportKey: Bytes32
  readonly machine: string
  readonly #role: HostOptions['role']
  readonly #network: MemoryNetwork
  readonly #addresses: readonly string[]
  readonly #handlers = new Map<string, Handler>()
  readonly #connections = new Set<HostConnection>()
  #gossip: MemoryGossip | undefined
  #stopped = false

  constructor(
    network: MemoryNetwork,
    machine: string,
    addresses: readonly string[],
    options: HostOptions,
  ) {
    this.#network = network
    this.machine = machine
    this.transportKey = noble.ed25519PublicKey(options.seed)
    this.#addresses = addresses
    this.#role = options.role
  }

  get gossip(): MemoryGossip | undefined {
    return this.#gossip
  }

  get connections(): ReadonlySet<HostConnection> {
    return this.#connections
  }

  addresses(): readonly string[] {
    return this.#stopped ? [] : this.#addresses
  }

  async dial(
    address: string,
    protocol: ProtocolSpec,
    options: DialOptions = {},
  ): Promise<FrameStream> {
    options.signal?.throwIfAborted()
    const split = splitPeerAddress(address)
    parseAddress(split.address)
    const expectedKey = options.expectedKey ?? split.key
    if (
      expectedKey !== undefined &&
      split.key !== undefined &&
      !equalBytes(expectedKey, split.key)
    ) {
      throw new NodeError('WRONG_PEER', `${address} names another host than expected`)
    }
    if (this.#stopped) throw new NodeError('UNREACHABLE', 'this host is stopped')
    const controller = new AbortController()
    const { signal } = controller
    const stop = (): void => controller.abort(options.signal?.reason)
    options.signal?.addEventListener('abort', stop, { once: true })
    const timer = this.#network.clock.after(DIAL_TIMEOUT_MS, () =>
      controller.abort(new TimeoutError(`no answer within ${DIAL_TIMEOUT_MS} ms`)),
    )
    try {
      const connection =
        this.#openConnection(split.address, expectedKey) ??
        (await this.#connect(split.address, expectedKey, signal))
      return await this.#openStream(connection, protocol, signal)
    } catch (cause) {
      if (options.signal?.aborted === true) throw options.signal.reason
      if (cause instanceof NodeError) throw cause
      throw new NodeError('UNREACHABLE', `${address} cannot be reached`, { retryable: true, cause })
    } finally {
      timer.cancel()
      options.signal?.removeEventListener('abort', stop)
    }
  }

  #openConnection(address: string, key: Bytes32 | undefined): HostConnection | undefined {
    return [...this.#connections].find((connection) =>
      key === undefined
        ? connection.dialer === this && connection.address === address
        : equalBytes(connection.other(this).transportKey, key),
    )
  }

  async #connect(
    address: string,
    expectedKey: Bytes32 | undefined,
    signal: AbortSignal,
  ): Promise<HostConnection> {
    const target = this.#network.hostAt(address)
    // Where nobody listens, a machine still answers: it refuses.
    const machine = target?.machine ?? this.machine
    await this.#network.travel(this.machine, machine, signal)
    const listener = this.#network.hostAt(address)
    await this.#network.travel(machine, this.machine, signal)
    if (listener === undefined || this.#network.hostAt(address) !== listener) {
      throw new NodeError('UNREACHABLE', `nobody listens on ${address}`, { retryable: true })
    }
    if (expectedKey !== undefined && !equalBytes(listener.transportKey, expectedKey)) {
      throw new NodeError('WRONG_PEER', `${address} is another host than expected`)
    }
    if (listener === this) throw new NodeError('UNREACHABLE', 'a host cannot dial itself')
    const existing = this.#openConnection(address, listener.transportKey)
    if (existing !== undefined) return existing
    const connection: HostConnection = new MemoryConnection<MemoryHost>({
      clock: this.#network.clock,
      dialer: this,
      listener,
      address,
      onClose: () => {
        this.#connections.delete(connection)
        listener.#connections.delete(connection)
      },
    })
    this.#connections.add(connection)
    listener.#connections.add(connection)
    return connection
  }

  async #openStream(
    connection: HostConnection,
    protocol: ProtocolSpec,
    signal: AbortSignal,
  ): Promise<FrameStream> {
    const remote = connection.other(this)
    const { near, far } = memoryStreamPair(
      this.#network.lane(this.machine, remote.machine),
      this.#network.lane(remote.machine, this.machine),
      {
        remoteKey: remote.transportKey,
        remoteAddress: this.#network.ipAddressOf(remote.machine),
        maxFrameBytes: protocol.maxFrameBytes,
      },
      {
        remoteKey: this.transportKey,
        remoteAddress: this.#network.ipAddressOf(this.machine),
        maxFrameBytes: remote.#handlers.get(protocol.id)?.protocol.maxFrameBytes ?? 0,
      },
    )
    await this.#network.travel(this.machine, remote.machine, signal)
    if (!connection.open) throw new NodeError('UNREACHABLE', 'the connection closed')
    const handler = remote.#handlers.get(protocol.id)
    if (handler !== undefined) {
      connection.add({ opener: this, near, far })
      handler.accept(far.stream)
    }
    await this.#network.travel(remote.machine, this.machine, signal).catch((cause: unknown) => {
      near.stream.abort(new NodeError('ABORTED', 'the dial was given up'))
      throw cause
    })
    if (!connection.open) throw new NodeError('UNREACHABLE', 'the connection closed')
    if (handler === undefined) {
      throw new NodeError('PROTOCOL_UNSUPPORTED', `the host does not speak ${protocol.id}`)
    }
    return near.stream
  }

  async handle(protocol: ProtocolSpec, accept: (stream: FrameStream) => void): Promise<void> {
    this.#handlers.set(protocol.id, { protocol, accept })
  }

  async disconnect(remoteKey: Bytes32): Promise<void> {
    for (const connection of this.#connections) {
      if (equalBytes(connection.other(this).transportKey, remoteKey)) {
        await this.#closeGracefully(connection)
      }
    }
  }

  async startGossip(options: GossipOptions): Promise<Gossip> {
    if (this.#role !== 'home' || this.#gossip !== undefined) throw noGossip(this.#role)
    this.#gossip = new MemoryGossip(this, options)
    return this.#gossip
  }

  neighbours(): readonly MemoryHost[] {
    return [...this.#connections].map((connection) => connection.other(this))
  }

  cast(to: MemoryHost, sizeBytes: number, arrive: () => void): void {
    const connection = [...this.#connections].find((each) => each.other(this) === to)
    if (connection === undefined) return
    this.#network.cast(this.machine, to.machine, sizeBytes, () => {
      if (connection.open) arrive()
    })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#gossip?.stop()
    this.#network.release(this)
    await Promise.all([...this.#connections].map((each) => this.#closeGracefully(each)))
  }

  /** Flushes the streams, for a second at most. */
  async #closeGracefully(connection: HostConnection): Promise<void> {
    const streams = connection.streamsOf(this)
    await new Promise<void>((resolve) => {
      const late = this.#network.clock.after(CLOSE_TIMEOUT_MS, resolve)
      // A stream's close never rejects: what went wrong goes to its onClose.
      void Promise.all(streams.map((stream) => stream.close())).then(() => {
        late.cancel()
        resolve()
      })
    })
    connection.leave(this)
  }

  /** Power off: gone without a word of its own, what is in the air still arrives. */
  vanish(): void {
    this.#stopped = true
    this.#gossip?.halt()
    this.#network.release(this)
    for (const connection of this.#connections) connection.leave(this)
  }
}

export class MemoryNetwork implements Network {
  readonly clock: Clock
  readonly #wire: Wire
  readonly #listening = new Map<string, MemoryHost>()
  readonly #hosts = new Set<MemoryHost>()
  readonly #ipAddresses = new Map<string, string>()
  #nextPort = FIRST_PORT

  constructor(clock: Clock, wire: Wire = PERFECT_WIRE) {
    this.clock = clock
    this.#wire = wire
  }

  createHost(options: HostOptions): Promise<Host> {
    return this.machine('local').createHost(options)
  }

  /** The network as one machine sees it: the wire knows machines by these names. */
  machine(name: string): Network {
    return { createHost: async (options) => this.#createHost(name, options) }
  }

  #createHost(machine: string, options: HostOptions): Host {
    const addresses = options.listen.map((text) => {
      const address = parseAddress(text).toString()
      return address.replace('/tcp/0', () => `/tcp/${this.#nextPort++}`)
    })
    for (const address of addresses) {
      if (this.#listening.has(address)) {
        throw new NodeError('PORT_IN_USE', `${address} is taken by another program`, {
          hint: 'stop the other program, or listen on another port',
        })
      }
    }
    const host = new MemoryHost(this, machine, addresses, options)
    this.#hosts.add(host)
    for (const address of addresses) this.#listening.set(address, host)
    return host
  }

  /** Where connections of a machine seem to come from. */
  ipAddressOf(machine: string): string {
    let address = this.#ipAddresses.get(machine)
    if (address === undefined) {
      const n = this.#ipAddresses.size + 1
      address = `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`
      this.#ipAddresses.set(machine, address)
    }
    return address
  }

  hostAt(address: string): MemoryHost | undefined {
    return this.#listening.get(address)
  }

  release(host: MemoryHost): void {
    this.#hosts.delete(host)
    for (const [address, each] of this.#listening) {
      if (each === host) this.#listening.delete(address)
    }
  }

  lane(from: string, to: string): Lane {
    return new Lane(this.clock, this.#wire, from, to)
  }

  /** Hands bytes to the wire as one piece, which may be lost, and passes others on its way. */
  cast(from: string, to: string, sizeBytes: number, arrive: () => void): void {
    const delayMs = this.#wire.delayMs(from, to, sizeBytes)
    if (delayMs === undefined || this.#wire.loses(from, to)) return
    this.clock.after(delayMs, arrive)
  }

  /** Waits as long as a request takes; asks again while nothing passes. Rejects with the signal. */
  async travel(from: string, to: string, signal: AbortSignal): Promise<void> {
    while (true) {
      const delayMs = this.#wire.delayMs(from, to, 0)
      await this.clock.sleep(delayMs ?? DIAL_RETRY_MS, signal)
      if (delayMs !== undefined) return
    }
  }

  #connections(): Set<HostConnection> {
    return new Set([...this.#hosts].flatMap((host) => [...host.connections]))
  }

  /** Sends what waited for the wire: to be called when it passes again. */
  pump(): void {
    for (const connection of this.#connections()) connection.pump()
  }

  /**
   * Breaks the connections between machines for which `matches` holds; each side notices after a
   * delay of its own. Returns how many.
   */
  sever(matches: (one: string, other: string) => boolean, delayMs: () => number = () => 0): number {
    let count = 0
    for (const connection of this.#connections()) {
      const [one, other] = [connection.dialer.machine, connection.listener.machine]
      if (!matches(one, other) && !matches(other, one)) continue
      connection.break(delayMs)
      count += 1
    }
    return count
  }

  /** Power off: every host of a machine is gone without a word, its addresses are free. */
  crash(machine: string): void {
    for (const host of this.#hosts) {
      if (host.machine === machine) host.vanish()
    }
  }
}
