// The network port: hosts that open and accept streams of frames. Production gives libp2p
// (net/libp2p-host.ts), the simulator a network of its own; both pass tests/contracts/transport.ts.
import type { Bytes32 } from '../crypto/index.ts'
import type { Gossip, GossipOptions } from './gossip.ts'

export interface ProtocolSpec {
  /** e.g. /sotto/direct/1 */
  readonly id: string
  /** A frame of 0 bytes, or above this, aborts the stream (SPEC.md §1: u32 length ‖ frame). */
  readonly maxFrameBytes: number
}

/**
 * One bidirectional stream of frames. Frames arrive whole, in order, once a handler is set; frames
 * that came before are kept (bounded by the stream's read buffer). Sending never blocks: `send`
 * says whether the caller should wait for `drained` before sending more.
 */
export interface FrameStream {
  /** The remote host's transport key: its raw libp2p Ed25519 public key, as met in Noise. */
  readonly remoteKey: Bytes32
  /** The remote network address (IP as text): for limits by address only, never logged. */
  readonly remoteAddress: string
  /** True while the stream takes frames. */
  readonly open: boolean
  /** Queues one frame; false: wait for `drained`. On a closed stream: false, and nothing is sent. */
  send(frame: Uint8Array): boolean
  /** Resolves when more may be sent; rejects when the stream closes. */
  drained(signal?: AbortSignal): Promise<void>
  /** Stops and restarts the delivery of frames, and with it the remote's sending. */
  pause(): void
  resume(): void
  /** Sets the frame handler, once. A frame's bytes belong to the handler. */
  onFrame(handler: (frame: Uint8Array) => void): void
  /**
   * Adds a handler, called once when the stream is over for whatever reason; at once if it already
   * is. Each part of the program that waits for something on the stream adds its own.
   */
  onClose(handler: (error: Error | undefined) => void): void
  /** Flushes what was sent, then closes. */
  close(): Promise<void>
  /** Drops the stream now. */
  abort(error: Error): void
}

export interface DialOptions {
  /** The dial fails unless the remote host proves this key. */
  readonly expectedKey?: Bytes32
  readonly signal?: AbortSignal
}

export interface Host {
  readonly transportKey: Bytes32
  /** Addresses this host listens on, as multiaddr text without /p2p; empty for a host that only dials. */
  addresses(): readonly string[]
  /** Opens a stream, over an open connection to that host where there is one. */
  dial(address: string, protocol: ProtocolSpec, options?: DialOptions): Promise<FrameStream>
  /** Accepts streams of a protocol. */
  handle(protocol: ProtocolSpec, accept: (stream: FrameStream) => void): Promise<void>
  /** Closes every connection to a host. */
  disconnect(remoteKey: Bytes32): Promise<void>
  /** Starts gossip over this host's connections, once; a home host only, else INVALID. */
  startGossip(options: GossipOptions): Promise<Gossip>
  stop(): Promise<void>
}

export interface HostOptions {
  /** Ed25519 seed of the transport key. */
  readonly seed: Bytes32
  /** Multiaddrs to listen on, e.g. /ip4/127.0.0.1/tcp/0 or /ip4/127.0.0.1/tcp/0/ws. */
  readonly listen: readonly string[]
  /** Sets connection limits: a relay takes thousands, a home host a hundred, a courier none. */
  readonly role: 'home' | 'courier' | 'relay'
}

export interface Network {
  /** Starts a host. Rejects with code PORT_IN_USE where an address is taken. */
  createHost(options: HostOptions): Promise<Host>
}
