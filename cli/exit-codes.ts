// What a command's exit status says. Scripts rely on it: a number never changes its meaning.
import type { NodeErrorCode } from '../node/errors.ts'
import type { CliErrorCode } from './cli-error.ts'

export const EXIT = {
  OK: 0,
  FAILED: 1,
  USAGE: 2,
  NOT_READY: 3,
  TRUST: 4,
  NETWORK: 5,
  WAIT: 6,
  LOCKED: 7,
  INTERRUPTED: 130,
} as const

/** Meaning of each exit status, as `sotto help exit-codes` prints it. */
export const EXIT_MEANINGS: readonly (readonly [number, string])[] = [
  [EXIT.OK, 'done; a message that is queued counts as done'],
  [EXIT.FAILED, 'failed: the error says why'],
  [EXIT.USAGE, 'the command line cannot be understood'],
  [EXIT.NOT_READY, 'not set up, locked, or the passphrase is wrong'],
  [EXIT.TRUST, 'a key or a host is not the one that was expected: nothing was sent'],
  [EXIT.NETWORK, 'a relay or a person cannot be reached'],
  [EXIT.WAIT, '--wait was not met in time; the message stays queued and goes on'],
  [EXIT.LOCKED, 'another process has the profile, or the daemon does not answer'],
  [EXIT.INTERRUPTED, 'stopped with Ctrl-C'],
]

const EXIT_OF: Readonly<Record<NodeErrorCode | CliErrorCode, number>> = {
  USAGE: EXIT.USAGE,
  PASSPHRASE_NEEDED: EXIT.NOT_READY,
  INPUT_INVALID: EXIT.FAILED,
  DEMO_FAILED: EXIT.FAILED,
  NOT_INITIALISED: EXIT.NOT_READY,
  WRONG_PASSPHRASE: EXIT.NOT_READY,
  LOCKED: EXIT.LOCKED,
  NODE_RUNNING: EXIT.LOCKED,
  CLOSED: EXIT.LOCKED,
  BUSY: EXIT.FAILED,
  PROFILE_COPIED: EXIT.NOT_READY,
  UNKNOWN_CONTACT: EXIT.FAILED,
  AMBIGUOUS_CONTACT: EXIT.FAILED,
  KEY_CHANGED: EXIT.TRUST,
  KEY_REFUSED: EXIT.TRUST,
  WRONG_PEER: EXIT.TRUST,
  BLOCKED: EXIT.FAILED,
  INVITE_INVALID: EXIT.FAILED,
  INVITE_EXPIRED: EXIT.FAILED,
  INVITE_USED: EXIT.FAILED,
  NOT_MEMBER: EXIT.FAILED,
  NOT_ADMIN: EXIT.FAILED,
  UNKNOWN_GROUP: EXIT.FAILED,
  AMBIGUOUS_GROUP: EXIT.FAILED,
  ALREADY_MEMBER: EXIT.FAILED,
  LAST_OWNER: EXIT.FAILED,
  GROUP_FULL: EXIT.FAILED,
  GROUP_LINK: EXIT.FAILED,
  TOO_LARGE: EXIT.FAILED,
  RELAY_UNREACHABLE: EXIT.NETWORK,
  RELAY_QUOTA: EXIT.NETWORK,
  UNREACHABLE: EXIT.NETWORK,
  PROTOCOL_UNSUPPORTED: EXIT.NETWORK,
  CONNECTION_LOST: EXIT.NETWORK,
  STREAM_CLOSED: EXIT.NETWORK,
  STREAM_RESET: EXIT.NETWORK,
  STREAM_FAILED: EXIT.NETWORK,
  FRAME_LENGTH: EXIT.NETWORK,
  FRAME_TRUNCATED: EXIT.NETWORK,
  WRITE_LIMIT: EXIT.NETWORK,
  TIMEOUT: EXIT.WAIT,
  ABORTED: EXIT.INTERRUPTED,
  VERSION_UNSUPPORTED: EXIT.FAILED,
  CORRUPT_STORE: EXIT.FAILED,
  PORT_IN_USE: EXIT.FAILED,
  LISTEN_FAILED: EXIT.FAILED,
  ADDRESS_INVALID: EXIT.USAGE,
  CURSOR_TOO_OLD: EXIT.FAILED,
  EXISTS: EXIT.FAILED,
  EMPTY_TEXT: EXIT.FAILED,
  NAME_TAKEN: EXIT.FAILED,
  INVALID: EXIT.USAGE,
  NO_RELAY: EXIT.FAILED,
  UNKNOWN_MESSAGE: EXIT.FAILED,
  STORE_FAILED: EXIT.FAILED,
  INTERNAL: EXIT.FAILED,
  NOT_WRITABLE: EXIT.FAILED,
  DISK_FULL: EXIT.FAILED,
}

/** The exit status for an error's code; 1 for one this version does not know. */
export function exitCodeOf(code: string): number {
  return Object.hasOwn(EXIT_OF, code) ? EXIT_OF[code as keyof typeof EXIT_OF] : EXIT.FAILED
}
