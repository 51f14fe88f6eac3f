// What one relay process uses at most (SPEC.md §15). Each bound says what happens at it.
import type { ProtocolSpec } from '../transport.ts'
import { RELAY_FRAME_MAX_BYTES } from '../../protocol/index.ts'

export const RELAY_PROTOCOL: ProtocolSpec = {
  id: '/sotto/relay/1',
  maxFrameBytes: RELAY_FRAME_MAX_BYTES,
}

/** One flush: operations (a heavy one counts as several) and bytes of requests. What is beyond goes into the next. */
export const FLUSH_OPS_MAX = 512
export const FLUSH_BYTES_MAX: number = 1 << 20
/** Waiting for a flush; beyond it frames are answered `busy`. */
export const QUEUE_OPS_MAX = 4_096
export const QUEUE_BYTES_MAX: number = 16 << 20
/** Of one connection without an answer; beyond it the relay stops reading from it. */
export const INFLIGHT_OPS_MAX = 256
export const INFLIGHT_BYTES_MAX: number = 1 << 20
/** Operations per second and at once of one connection; beyond it `rate`. */
export const CONNECTION_OPS_PER_S = 1_000
export const CONNECTION_OPS_BURST = 4_000
/** Deposits per second and at once of one capability. */
export const DEPOSITS_PER_S = 50
export const DEPOSITS_BURST = 2_000
/** PREKEY.TAKE and CARD.GET per window and (mailbox, source). */
export const TAKES_MAX = 6
export const TAKES_WINDOW_S = 600
/** Buckets kept in memory; the longest unused go. */
export const BUCKETS_MAX = 50_000
/** Mailboxes whose counters are kept in memory; the longest unused are rebuilt when met again. */
export const COUNTERS_MAX = 10_000
/** Connections of one address (IPv6: /64), and new ones per second; loopback is exempt. */
export const CONNECTIONS_PER_ADDRESS = 64
export const NEW_CONNECTIONS_PER_S = 10
/** The first frame holds HELLO and comes within this, or the stream closes. */
export const HELLO_MS = 10_000
/** Mailboxes proven on one stream. */
export const MAILBOXES_PER_STREAM = 256
/** Items waiting and no credit for this long: the subscription ends. */
export const CREDIT_MS = 120_000
/** Subscriptions read from the store at once: each holds one page. */
export const PUMPS_AT_ONCE = 4
/** Items read at once for pushing: with the largest envelopes 1 MiB. */
export const PUSH_PAGE = 16
/** Bytes of items in one push frame. */
export const PUSH_FRAME_BYTES = 200_000
/** Depositors remembered for ROOM per mailbox, and mailboxes. */
export const ROOM_WAITERS_MAX = 64
export const ROOM_MAILBOXES_MAX = 4_096
/** Bytes of a reply kept for each operation beside what it fetches. */
export const REPLY_RESERVE_BYTES = 512
/** How late a timer may be before strangers and card reads are put off. */
export const LAG_SHED_MS = 200
export const LAG_PROBE_MS = 500
/** How often what ended is swept, and marks looked at in one step. */
export const SWEEP_MS = 60_000
export const SWEEP_BUDGET = 1_000
/** How often the guarded clock is written down. */
export const CLOCK_SAVE_MS = 60_000
/** A wall clock further than this from the stored time is not believed. */
export const CLOCK_TRUST_MS: number = 45 * 86_400_000
/** Waiting after a failed write before the store is opened anew; doubles up to the second. */
export const REOPEN_MIN_MS = 1_000
export const REOPEN_MAX_MS = 60_000
/** A descriptor is signed anew when half of its life is over. */
export const DESCRIPTOR_RENEW_MS: number = 24 * 3_600_000
/** Grace told to clients at the end. */
export const GOAWAY_GRACE_MS = 5_000
/** Longest wait for the last flush at the end. */
export const DRAIN_MS = 30_000
/** Bytes LevelDB gathers in memory: large, since a relay writes many and short-lived rows. */
export const WRITE_BUFFER_BYTES: number = 16 << 20
/** Disk allowed unless told: 10 GiB. */
export const DISK_MAX_BYTES: number = 10 * 2 ** 30
export const DISK_PROBE_MS = 30_000
