// Bounds of the network layer. What a role may take is in ROLE_LIMITS; what one stream may hold is
// the same for all, since every peer is a stranger until the protocol above says otherwise.
import type { HostOptions } from '../transport.ts'

/** The receive window of a stream: what a remote may send ahead of a handler that is busy or paused. */
export const STREAM_WINDOW_BYTES: number = 256 * 1024
/** The window grows to this on long fat links; it is also all that a paused stream can buffer. */
export const STREAM_MAX_WINDOW_BYTES: number = 1024 * 1024
/** Above this `send` answers false: wait for `drained`. */
export const WRITE_HIGH_WATER_BYTES: number = 256 * 1024
/** Above this the stream is dropped: its sender ignored `send() === false`. Holds two whole frames of 1 MiB. */
export const WRITE_LIMIT_BYTES: number = 4 * 1024 * 1024
/** Streams on one connection, each way. Few on purpose: the muxer looks them up linearly per frame. */
export const STREAMS_PER_CONNECTION = 64
/** Streams of one protocol on one connection, each way. */
export const STREAMS_PER_PROTOCOL = 16
/** Muxer keep-alive. Below the 120 s after which an idle socket is closed, and usual NAT timeouts. */
export const KEEP_ALIVE_MS = 30_000
/** The longest a dial takes without a signal of the caller's. */
export const DIAL_TIMEOUT_MS = 20_000
/** How long a stream over a connection that is open may take; then the connection is taken for dead. */
export const REUSE_TIMEOUT_MS = 5_000
/** Streams that a device nobody can reach keeps to its contacts; below its maxConnections. */
export const STANDING_STREAMS_MAX = 64
/** Peers waiting in the kernel for accept(); bounds a reconnect storm after a relay restart. */
export const LISTEN_BACKLOG = 1024

export interface RoleLimits {
  readonly maxConnections: number
  /** Inbound connections whose handshake is not done, in all. */
  readonly maxPendingInbound: number
  /** The same per remote address (IPv6: /64), so that idle sockets of one lock out nobody else. */
  readonly maxPendingInboundPerAddress: number
  /** Inbound connections of one remote address at once, whether used or not; loopback is exempt. */
  readonly maxConnectionsPerAddress: number
  /** Inbound connections per second from one remote IP address (shared behind a NAT or a proxy). */
  readonly inboundPerSecondPerAddress: number
  /** How long an inbound handshake may take: what an idle socket can hold of the pending slots. */
  readonly inboundUpgradeTimeoutMs: number
}

export const ROLE_LIMITS: Readonly<Record<HostOptions['role'], RoleLimits>> = {
  home: {
    maxConnections: 100,
    maxPendingInbound: 32,
    maxPendingInboundPerAddress: 16,
    maxConnectionsPerAddress: 32,
    inboundPerSecondPerAddress: 20,
    inboundUpgradeTimeoutMs: 10_000,
  },
  // Dials only; the bound is on its own open connections.
  courier: {
    maxConnections: 64,
    maxPendingInbound: 0,
    maxPendingInboundPerAddress: 0,
    maxConnectionsPerAddress: 0,
    inboundPerSecondPerAddress: 1,
    inboundUpgradeTimeoutMs: 3_000,
  },
  // 3 s and 256: twelve idle sockets lock out a relay with libp2p's defaults (10 s and 10). A core
  // completes some 60 handshakes a second, so 100 a second from one address only cuts floods.
  relay: {
    maxConnections: 10_000,
    maxPendingInbound: 256,
    maxPendingInboundPerAddress: 64,
    maxConnectionsPerAddress: 64,
    inboundPerSecondPerAddress: 100,
    inboundUpgradeTimeoutMs: 3_000,
  },
}

// --- Gossip (SPEC.md §22) ---
/** Characters of a topic's name. */
export const GOSSIP_TOPIC_MAX_CHARS = 64
/** Topics with an allow-list: those subscribed to, and as many that are only published on. */
export const GOSSIP_LISTS_MAX = 64
/** Messages under validation, of one peer and in all; what is beyond is ignored. */
export const GOSSIP_VALIDATING_PER_PEER = 64
export const GOSSIP_VALIDATING_MAX = 512
/** How long data counts as seen. */
export const GOSSIP_SEEN_MS: number = 2 * 60_000
/** One RPC. It holds the whole first list of subscriptions, and all answers to one question. */
export const GOSSIP_RPC_MAX_BYTES: number = 1024 * 1024
/** Messages in one RPC, and those sent for one question: with the longest ones it fits the above. */
export const GOSSIP_RPC_MESSAGES_MAX = 64
export const GOSSIP_ANSWER_MESSAGES_MAX = 15
/** Subscriptions in one RPC, message ids in one list, control messages of one kind. */
export const GOSSIP_RPC_SUBSCRIPTIONS_MAX = 4_096
export const GOSSIP_RPC_IDS_MAX = 5_000
export const GOSSIP_RPC_CONTROLS_MAX = 128
/** What one peer may be behind with; then its stream is dropped. */
export const GOSSIP_BEHIND_MAX_BYTES: number = 1024 * 1024
/** Topics remembered that a peer names and we do not share (yet). */
export const GOSSIP_CLAIMS_MAX = 256
/** Streams of gossip on one connection, each way: one, and one that replaces it. */
export const GOSSIP_STREAMS_MAX = 4
/** From this size on members tell each other what they have, so that it is not sent twice. */
export const GOSSIP_HAVE_FROM_BYTES = 4_096
/** How often a connected peer without a stream of gossip is offered one. */
export const GOSSIP_REOPEN_MS = 30_000
/** The longest that stopping waits for streams to close. */
export const GOSSIP_STOP_MS = 1_000
