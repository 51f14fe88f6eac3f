// The network port on libp2p 3: TCP and WebSocket, Noise, yamux, identify, ping. Nothing is
// announced or discovered; people and relays are dialled at addresses they gave us.
import '../runtime.ts'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import type { Connection, ConnectionEncrypter, PeerId } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { type Libp2p, createLibp2p } from 'libp2p'
import { type Bytes32, equalBytes } from '../../crypto/index.ts'
import { systemClock } from '../clock.ts'
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
import { frameLibp2pStream } from './libp2p-stream.ts'
import { admission, ed25519Key } from './admission.ts'
import { hostOf, parseAddress } from './address.ts'
import { noGossip } from './gossip-door.ts'
import { dialError, isWrongPeer, startError, wrongPeer } from './libp2p-errors.ts'
import {
  DIAL_TIMEOUT_MS,
  KEEP_ALIVE_MS,
  LISTEN_BACKLOG,
  REUSE_TIMEOUT_MS,
  ROLE_LIMITS,
  STREAMS_PER_CONNECTION,
  STREAMS_PER_PROTOCOL,
  STREAM_MAX_WINDOW_BYTES,
  STREAM_WINDOW_BYTES,
  WRITE_LIMIT_BYTES,
} from './limits.ts'
import { Listeners } from './listeners.ts'
import { joinPeerAddress, splitPeerAddress } from './peer-id.ts'

/** All that identify tells a stranger about the program. */
const AGENT = 'sotto/1'

/** Noise whose "another peer than dialled" survives libp2p, which keeps the text of an error only. */
function noiseNamingWrongPeer(): (
  components: Parameters<ReturnType<typeof noise>>[0],
) => ConnectionEncrypter {
  return (components) => {
    const encrypter = noise()(components)
    const secureOutbound = encrypter.secureOutbound.bind(encrypter)
    encrypter.secureOutbound = async (connection, options) => {
      try {
        return await secureOutbound(connection, options)
      } catch (cause) {
        throw isWrongPeer(cause) ? wrongPeer(cause) : cause
      }
    }
    return encrypter
  }
}

async function createNode(options: HostOptions, listeners: Listeners): Promise<Libp2p> {
  const limits = ROLE_LIMITS[options.role]
  return createLibp2p({
    start: false,
    privateKey: await generateKeyPairFromSeed('Ed25519', options.seed),
    nodeInfo: { name: 'sotto', version: '1', userAgent: AGENT },
    addresses: {
      listen: options.listen.map((text) => parseAddress(text).toString()),
      // Whoever should know an address is told it inside encryption; identify tells nobody.
      announceFilter: () => [],
    },
    transports: [listeners.watch(tcp({ backlog: LISTEN_BACKLOG })), listeners.watch(webSockets())],
    connectionEncrypters: [noiseNamingWrongPeer()],
    streamMuxers: [
      yamux({
        maxInboundStreams: STREAMS_PER_CONNECTION,
        maxOutboundStreams: STREAMS_PER_CONNECTION,
        keepAliveInterval: KEEP_ALIVE_MS,
        streamOptions: {
          initialStreamWindowSize: STREAM_WINDOW_BYTES,
          // Not above the read buffer: a paused stream may be sent a whole window, and libp2p
          // drops a stream whose read buffer overflows.
          maxStreamWindowSize: STREAM_MAX_WINDOW_BYTES,
          maxReadBufferLength: 2 * STREAM_MAX_WINDOW_BYTES,
          maxWriteBufferLength: WRITE_LIMIT_BYTES,
        },
      }),
    ],
    connectionGater: admission(limits),
    // It pings every connection on a stream of its own every 10 s and drops healthy slow ones. The
    // muxer's keep-alive holds what lives, and the protocols' own pings find what is dead.
    connectionMonitor: { enabled: false },
    connectionManager: {
      maxConnections: limits.maxConnections,
      maxIncomingPendingConnections: limits.maxPendingInbound,
      inboundConnectionThreshold: limits.inboundPerSecondPerAddress,
      inboundUpgradeTimeout: limits.inboundUpgradeTimeoutMs,
      dialTimeout: DIAL_TIMEOUT_MS,
      addressDialTimeout: DIAL_TIMEOUT_MS,
    },
    services: {
      // Asks on connection only where a topology needs the answer; the others just reply.
      identify: identify({
        runOnConnectionOpen: options.role === 'home',
        runOnLimitedConnection: false,
      }),
      ping: ping(),
    },
  })
}

/** libp2p's close waits out its timeout where the connection breaks under it; its event does not. */
async function closeConnection(connection: Connection): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    connection.addEventListener('close', () => resolve(), { once: true })
  })
  await Promise.race([connection.close(), closed])
}

export class Libp2pHost implements Host {
  readonly transportKey: Bytes32
  /** The libp2p node, for services that attach to it (gossipsub); nothing else uses it. */
  readonly libp2p: Libp2p
  readonly #listeners: Listeners
  readonly #role: HostOptions['role']
  #gossip: Promise<Gossip> | undefined

  private constructor(libp2p: Libp2p, listeners: Listeners, role: HostOptions['role']) {
    this.libp2p = libp2p
    this.#listeners = listeners
    this.#role = role
    const key = ed25519Key(libp2p.peerId)
    if (key === undefined) throw new NodeError('KEY_REFUSED', 'a host needs an Ed25519 key')
    this.transportKey = key
    // Peers come and go under throw-away ids; what libp2p notes about each would pile up.
    libp2p.addEventListener('peer:disconnect', (event) => void this.#forget(event.detail))
  }

  /** Starts a host. Rejects with PORT_IN_USE, ADDRESS_INVALID or LISTEN_FAILED. */
  static async start(options: HostOptions): Promise<Libp2pHost> {
    const listeners = new Listeners(ROLE_LIMITS[options.role].inboundUpgradeTimeoutMs)
    const libp2p = await createNode(options, listeners)
    try {
      await libp2p.start()
    } catch (cause) {
      throw startError(listeners.failures, cause)
    }
    const taken = startError(listeners.failures, undefined)
    // libp2p forgives every IPv6 failure where IPv4 works; a taken port is not "no IPv6 here".
    if (taken.code === 'PORT_IN_USE') {
      await libp2p.stop()
      throw taken
    }
    return new Libp2pHost(libp2p, listeners, options.role)
  }

  addresses(): readonly string[] {
    return this.#listeners.addresses()
  }

  async dial(
    address: string,
    protocol: ProtocolSpec,
    options: DialOptions = {},
  ): Promise<FrameStream> {
    const { signal } = options
    signal?.throwIfAborted()
    const split = splitPeerAddress(address)
    const expectedKey = options.expectedKey ?? split.key
    if (
      expectedKey !== undefined &&
      split.key !== undefined &&
      !equalBytes(expectedKey, split.key)
    ) {
      throw new NodeError('WRONG_PEER', `${address} names another host than expected`)
    }
    const reused = this.#openConnection(split.address, expectedKey)
    try {
      if (reused !== undefined) {
        const limit = systemClock.timeout(REUSE_TIMEOUT_MS, signal)
        try {
          return await this.#openStream(reused, protocol, limit)
        } catch (cause) {
          if (signal?.aborted === true) throw cause
          // It may have died unnoticed: the muxer's keep-alive waits for its answer for ever, and TCP
          // for a quarter of an hour. A fresh connection is worth a try.
          if (limit.aborted) reused.abort(new NodeError('CONNECTION_LOST', 'it does not answer'))
          else if (reused.status === 'open') throw cause
        }
      }
      const connection = await this.#connect(split.address, expectedKey, signal)
      return await this.#openStream(connection, protocol, signal)
    } catch (cause) {
      throw dialError(address, cause, signal)
    }
  }

  async #connect(
    address: string,
    expectedKey: Bytes32 | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Connection> {
    // With the key in the address Noise stops before we have told the wrong host who we are.
    const target = expectedKey === undefined ? address : joinPeerAddress(address, expectedKey)
    const connection = await this.libp2p.dial(
      parseAddress(target),
      signal === undefined ? {} : { signal },
    )
    const key = ed25519Key(connection.remotePeer)
    if (key === undefined || (expectedKey !== undefined && !equalBytes(key, expectedKey))) {
      const error = new NodeError('WRONG_PEER', `${address} is another host than expected`)
      connection.abort(error)
      throw error
    }
    return connection
  }

  #openConnection(address: string, key: Bytes32 | undefined): Connection | undefined {
    return this.libp2p.getConnections().find((connection) => {
      if (connection.status !== 'open') return false
      if (key === undefined) {
        return splitPeerAddress(connection.remoteAddr.toString()).address === address
      }
      const remote = ed25519Key(connection.remotePeer)
      return remote !== undefined && equalBytes(remote, key)
    })
  }

  async #openStream(
    connection: Connection,
    protocol: ProtocolSpec,
    signal: AbortSignal | undefined,
  ): Promise<FrameStream> {
    const raw = await connection.newStream(protocol.id, {
      maxOutboundStreams: STREAMS_PER_PROTOCOL,
      ...(signal === undefined ? {} : { signal }),
    })
    return this.#frames(raw, connection, protocol)
  }

  #frames(
    raw: Awaited<ReturnType<Connection['newStream']>>,
    connection: Connection,
    protocol: ProtocolSpec,
  ): FrameStream {
    const remoteKey = ed25519Key(connection.remotePeer)
    // The gater let only Ed25519 hosts in.
    if (remoteKey === undefined) throw new NodeError('KEY_REFUSED', 'not an Ed25519 host')
    return frameLibp2pStream(raw, {
      remoteKey,
      remoteAddress: hostOf(connection.remoteAddr),
      maxFrameBytes: protocol.maxFrameBytes,
    })
  }

  async handle(protocol: ProtocolSpec, accept: (stream: FrameStream) => void): Promise<void> {
    await this.libp2p.handle(
      protocol.id,
      (raw, connection) => accept(this.#frames(raw, connection, protocol)),
      { maxInboundStreams: STREAMS_PER_PROTOCOL, maxOutboundStreams: STREAMS_PER_PROTOCOL },
    )
  }

  async disconnect(remoteKey: Bytes32): Promise<void> {
    const connections = this.libp2p.getConnections().filter((connection) => {
      const key = ed25519Key(connection.remotePeer)
      return key !== undefined && equalBytes(key, remoteKey)
    })
    await Promise.all(connections.map((connection) => closeConnection(connection)))
  }

  startGossip(options: GossipOptions): Promise<Gossip> {
    if (this.#role !== 'home' || this.#gossip !== undefined) {
      return Promise.reject(noGossip(this.#role))
    }
    // Loaded when a group needs it: most nodes, and all relays, never do.
    this.#gossip = import('./libp2p-gossip.ts').then(({ Libp2pGossip }) =>
      Libp2pGossip.start(this.libp2p, options),
    )
    return this.#gossip
  }

  async stop(): Promise<void> {
    const gossip = await this.#gossip?.catch(() => undefined)
    await gossip?.stop()
    // What was sent in this tick is on its streams after this.
    await new Promise<void>((resolve) => {
      queueMicrotask(() => process.nextTick(resolve))
    })
    // libp2p's stop drops inbound sockets at once; closing flushes them first, for a second at most.
    // What does not close in time is dropped by stop.
    await Promise.allSettled(this.libp2p.getConnections().map((each) => closeConnection(each)))
    const stopping = this.libp2p.stop()
    this.#listeners.destroyWaiting()
    await stopping
  }

  async #forget(peer: PeerId): Promise<void> {
    if (this.libp2p.status !== 'started' || this.libp2p.getConnections(peer).length > 0) return
    await this.libp2p.peerStore.delete(peer)
  }
}

/** Hosts on the real network. */
export const libp2pNetwork: Network = {
  createHost: (options) => Libp2pHost.start(options),
}
