// What a client of a relay uses at most (SPEC.md §15).

/** Dial, HELLO and descriptor together. */
export const CONNECT_MS = 30_000
/** An operation without an answer: the stream is dead. */
export const ANSWER_MS = 30_000
/** A flush of the relay may take a while when its store must be opened anew; then `busy` comes. */
export const OPS_WAITING_MAX = 10_000
/** Bytes of a request frame that are not operations. */
export const FRAME_HEAD_BYTES = 16
/** Attempts of a proof of work between two looks at the clock and the signal. */
export const WORK_BUDGET = 2_000
/** Wait between two such stretches, so that others run. */
export const WORK_PAUSE_MS = 0
/** `busy` without a wait: what did not fit into a reply is asked again. */
export const REFETCH_MAX = 64
