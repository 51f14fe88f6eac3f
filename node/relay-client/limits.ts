// What a client of a relay uses at most (SPEC.md §15).

/** Dial, HELLO and descriptor together. */
export const CONNECT_MS = 30_000
/**
 * Between attempts to follow a mailbox again, at most: what waits there is for us, and nobody sees that it
 * does. Shorter than an outbox waits; ten thousand people spread over it are 83 a second.
 */
export const FOLLOW_BACKOFF_MAX_MS = 120_000
/** An operation without an answer: the stream is dead. */
export const ANSWER_MS = 30_000
/** How often a stream on which mailboxes are followed is asked for a sign of life. */
export const BEAT_MS = 120_000
/**
 * A stream does not outlive what it rests on: leases are renewed at its beginning (90 days), and custody
 * is checked by the certificate shown then (30 days or more are left of it).
 */
export const STREAM_LIFE_MS: number = 7 * 86_400_000
/** Operations waiting for room in flight; beyond it calls are refused. */
export const OPS_WAITING_MAX = 10_000
/** One-time prekeys of one operation: with the largest items half a frame. */
export const PREKEYS_AT_ONCE = 64
/** Attempts of a proof of work between two looks at the clock and the signal. */
export const WORK_BUDGET = 2_000
/** Wait between two such stretches, so that others run. */
export const WORK_PAUSE_MS = 0
