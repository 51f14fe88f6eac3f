// Bounds of the local API. Both ends belong to one user, so they guard against defects and stalls
// rather than attacks; memory stays bounded all the same.

/** A request. The longest text is 48 KiB, six times that where JSON escapes every byte. */
export const REQUEST_MAX_BYTES: number = 1 << 20
/** An answer: some hundred of the longest messages. */
export const ANSWER_MAX_BYTES: number = 64 << 20
/** What may wait for a client that does not read, before its connection is dropped. */
export const UNSENT_MAX_BYTES: number = 2 * ANSWER_MAX_BYTES
/** Programs connected at once. */
export const MAX_CONNECTIONS = 128
/** Calls of one connection that wait for an answer. */
export const MAX_CALLS = 256
/** Subscriptions of one connection. */
export const MAX_SUBSCRIPTIONS = 16
/** Events on their way to a subscriber that it has not taken yet: all that either end buffers. */
export const EVENT_WINDOW = 256
/** After how many events taken a subscriber opens the window again. */
export const EVENT_ACK_EVERY = 64
/** How long an owner may take for the first answer on a new connection: a busy machine needs seconds. */
export const GREETING_TIMEOUT_MS = 30_000
/** How long clients of an owner that stops may take to read their last answers. */
export const GOODBYE_TIMEOUT_MS = 1_000
/** Longest path of a unix socket, without the closing NUL (Linux 108; macOS and the BSDs 104). */
export const SOCKET_PATH_MAX_BYTES: number = process.platform === 'linux' ? 107 : 103
