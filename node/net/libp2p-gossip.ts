// The gossip port on gossipsub. It tells every peer all subscriptions and takes any topic from any
// peer: so it gets a registrar that knows no strangers, and what goes in and out of it is filtered per
// topic and peer (SPEC.md §22.3). It dials nobody.
import type { Connection, PeerId, Stream, StreamHandler, Topology } from '@libp2p/interface'
import type { Libp2p } from 'libp2p'
import type { Bytes32 } from '../../crypto/index.ts'
import type { Timer } from '../clock.ts'
import { NodeError } from '../errors.ts'
import type { Gossip, GossipOptions } from '../gossip.ts'
import { ed25519Key } from './admission.ts'
import { GossipClaims } from './gossip-claims.ts'
import { GossipDoor, checkPublished } from './gossip-door.ts'
import { type Rpc, filterRpc, forgetting, subscribing } from './gossip-rpc.ts'
import {
  type Gossipsub,
  type Internals,
  type Surroundings,
  VERDICTS,
  createGossipsub,
} from './gossipsub.ts'
import { GOSSIP_REOPEN_MS, GOSSIP_STOP_MS } from './limits.ts'
import { keyOfPeerId, peerIdText } from './peer-id.ts'

export class Libp2pGossip implements Gossip {
  readonly #libp2p: Libp2p
  readonly #options: GossipOptions
  readonly #door: GossipDoor
  readonly #claims = new GossipClaims()
  readonly #service: Gossipsub
  /** gossipsub's own, before the filter. */
  readonly #receive: Internals['handleReceivedRpc']
  readonly #tell: Internals['sendSubscriptions']
  readonly #inbound = new Map<string, Stream>()
  #topology: Topology | undefined
  #reopening: Timer | undefined
  #running = true

  private constructor(libp2p: Libp2p, options: GossipOptions) {
    this.#libp2p = libp2p
    this.#options = options
    this.#door = new GossipDoor(options)
    const service = createGossipsub(this.#surroundings())
    this.#service = service
    this.#receive = service.handleReceivedRpc.bind(service)
    this.#tell = service.sendSubscriptions.bind(service)
    service.handleReceivedRpc = (from, rpc) => this.#receive(from, this.#filter(from, rpc))
    service.sendSubscriptions = (peer, topics, subscribe) => {
      const told = topics.filter((topic) => this.#door.allows(topic, peer))
      if (told.length > 0) this.#tell(peer, told, subscribe)
    }
    service.addEventListener('gossipsub:message', ({ detail }) => {
      const { propagationSource, msgId, msg } = detail
      void this.#judge(propagationSource, msgId, msg.topic, msg.data)
    })
  }

  static async start(libp2p: Libp2p, options: GossipOptions): Promise<Libp2pGossip> {
    const gossip = new Libp2pGossip(libp2p, options)
    await gossip.#service.start()
    libp2p.addEventListener('connection:open', gossip.#opened)
    libp2p.addEventListener('peer:disconnect', gossip.#left)
    gossip.#reopen()
    return gossip
  }

  subscribe(topic: string): void {
    if (this.#door.subscribe(topic)) this.#service.subscribe(topic)
  }

  unsubscribe(topic: string): void {
    if (this.#door.unsubscribe(topic)) this.#service.unsubscribe(topic)
  }

  setPeers(topic: string, transportKeys: readonly Bytes32[]): void {
    const { added, removed } = this.#door.setPeers(topic, transportKeys.map(peerIdText))
    for (const peer of removed) this.#part(topic, peer)
    for (const peer of added) this.#join(topic, peer)
  }

  async publish(topic: string, data: Uint8Array): Promise<number> {
    checkPublished(topic, data)
    if (!this.#running) return 0
    const { recipients } = await this.#service.publish(topic, data.slice())
    return recipients.length
  }

  peersOf(topic: string): readonly Bytes32[] {
    return this.#service
      .getSubscribers(topic)
      .map((peer) => peer.toString())
      .filter((peer) => this.#door.allows(topic, peer) && this.#canSend(peer))
      .map(keyOfPeerId)
  }

  async stop(): Promise<void> {
    if (!this.#running) return
    this.#running = false
    this.#libp2p.removeEventListener('connection:open', this.#opened)
    this.#libp2p.removeEventListener('peer:disconnect', this.#left)
    this.#reopening?.cancel()
    // A peer that does not answer must not hold up stopping: its connection goes next.
    const { clock } = this.#options
    await Promise.race([this.#service.stop(), clock.sleep(GOSSIP_STOP_MS)])
    for (const stream of this.#inbound.values()) {
      stream.abort(new NodeError('CLOSED', 'gossip on this host ended'))
    }
    this.#inbound.clear()
  }

  #surroundings(): Surroundings {
    const { peerId, logger } = this.#libp2p
    return {
      peerId,
      logger,
      registrar: {
        handle: (protocol, handler, options) =>
          this.#libp2p.handle(protocol, this.#guarded(handler), options),
        unhandle: (protocol) => this.#libp2p.unhandle(protocol),
        register: async (protocol, topology) => {
          // One and the same for each version of its protocol.
          this.#topology = topology
          return protocol
        },
        unregister: () => undefined,
      },
    }
  }

  #guarded(handler: StreamHandler): StreamHandler {
    return (stream, connection) => {
      const peer = connection.remotePeer.toString()
      if (!this.#running || !this.#door.admits(peer)) {
        stream.abort(new NodeError('KEY_REFUSED', 'no group is shared with this host'))
        return
      }
      this.#inbound.set(peer, stream)
      // Before gossipsub looks whether it has a stream the other way.
      this.#canSend(peer)
      // gossipsub would keep a peer whose stream ended among those it hands messages on to.
      const ended = (): void => {
        if (this.#inbound.get(peer) === stream) this.#drop(connection.remotePeer)
      }
      stream.addEventListener('remoteCloseWrite', ended)
      stream.addEventListener('close', ended)
      return handler(stream, connection)
    }
  }

  readonly #opened = (event: CustomEvent<Connection>): void => this.#offer(event.detail)

  readonly #left = (event: CustomEvent<PeerId>): void => this.#drop(event.detail)

  /** Opens a stream of gossip on a connection, where there is none and the peer may have one. */
  #offer(connection: Connection): void {
    const peer = connection.remotePeer.toString()
    if (!this.#running || connection.status !== 'open') return
    if (this.#door.admits(peer) && !this.#canSend(peer)) {
      void this.#topology?.onConnect?.(connection.remotePeer, connection)
    }
  }

  /** Whether there is a stream to a peer. One refused while it was opened gossipsub takes for good. */
  #canSend(peer: string): boolean {
    const stream = this.#service.streamsOutbound.get(peer)
    if (stream === undefined || stream.rawStream?.status === 'open') return stream !== undefined
    this.#service.streamsOutbound.delete(peer)
    return false
  }

  #offerTo(peer: string): void {
    for (const connection of this.#libp2p.getConnections()) {
      if (connection.remotePeer.toString() === peer) this.#offer(connection)
    }
  }

  /** Streams may break while the connection stays, and a peer may start gossip late or be back in. */
  #reopen(): void {
    this.#reopening = this.#options.clock.after(GOSSIP_REOPEN_MS, () => {
      for (const [peer, stream] of this.#inbound) {
        // gossipsub gave the peer up, over an RPC too long, and the peer cannot tell: so it can.
        if (this.#service.peers.has(peer)) continue
        this.#inbound.delete(peer)
        stream.abort(new NodeError('CLOSED', 'gossip with this host ended'))
      }
      for (const connection of this.#libp2p.getConnections()) this.#offer(connection)
      this.#reopen()
    })
  }

  /** Ends the streams of gossip with a peer, and forgets what it subscribed to. */
  #drop(peer: PeerId): void {
    const text = peer.toString()
    const inbound = this.#inbound.get(text)
    this.#inbound.delete(text)
    this.#claims.forget(text)
    void this.#topology?.onDisconnect?.(peer)
    // gossipsub only stops writing: a peer that goes on must not be read on.
    inbound?.abort(new NodeError('CLOSED', 'gossip with this host ended'))
  }

  #join(topic: string, peer: string): void {
    const known = this.#service.peers.get(peer)
    if (known === undefined) return this.#offerTo(peer)
    if (this.#door.isSubscribed(topic)) this.#service.sendSubscriptions(peer, [topic], true)
    if (this.#claims.has(peer, topic)) this.#pretend(known, subscribing(topic))
    this.#offerTo(peer)
  }

  #part(topic: string, peer: string): void {
    const known = this.#service.peers.get(peer)
    if (known === undefined) return
    if (!this.#door.admits(peer)) return this.#drop(known)
    if (this.#door.isSubscribed(topic)) this.#tell(peer, [topic], false)
    this.#pretend(known, forgetting(topic))
  }

  /** Has gossipsub take something as said by a peer: it has no other way to be told. */
  #pretend(peer: PeerId, rpc: Rpc): void {
    this.#receive(peer, rpc).catch(() => this.#drop(peer))
  }

  #filter(from: PeerId, rpc: Rpc): Rpc {
    const peer = from.toString()
    this.#claims.note(peer, rpc.subscriptions)
    return filterRpc(rpc, {
      allows: (topic) => this.#door.allows(topic, peer),
      takes: (topic) => this.#door.takes(topic, peer),
      reject: () => this.#reject(from),
    })
  }

  async #judge(from: PeerId, id: string, topic: string, data: Uint8Array): Promise<void> {
    const peer = from.toString()
    const key = ed25519Key(from)
    if (key === undefined) return
    // A copy: gossipsub hands its own on.
    const message = { topic, data: new Uint8Array(data), from: key }
    const verdict = await this.#door.judge(peer, message)
    // Handing on costs an encryption and a write for each peer: what else has arrived is delivered first.
    if (verdict === 'accept') await this.#options.clock.sleep(0)
    if (!this.#running) return
    this.#service.reportMessageValidationResult(id, peer, VERDICTS[verdict])
    if (verdict === 'reject') this.#reject(from)
  }

  #reject(from: PeerId): void {
    if (this.#door.reject(from.toString())) this.#drop(from)
  }
}
