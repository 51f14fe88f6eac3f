// Errors of the node floor, as an embedder and the command line meet them: callers branch on
// `code`; the sentence says what happened, `hint` what to do about it.

export type NodeErrorCode =
  | 'NOT_INITIALISED' // no profile or relay folder there
  | 'LOCKED' // another process holds the store
  | 'WRONG_PASSPHRASE'
  | 'NODE_RUNNING' // a running node must do this, or must stop first
  | 'UNKNOWN_CONTACT'
  | 'AMBIGUOUS_CONTACT'
  | 'KEY_CHANGED' // two device lists of one version: sending stopped
  | 'BLOCKED'
  | 'INVITE_INVALID'
  | 'INVITE_EXPIRED'
  | 'INVITE_USED'
  | 'NOT_MEMBER' // of the group: oneself, or the one meant
  | 'NOT_ADMIN' // the role, or the authority, does not suffice
  | 'UNKNOWN_GROUP'
  | 'AMBIGUOUS_GROUP'
  | 'ALREADY_MEMBER'
  | 'LAST_OWNER' // somebody else must become owner first
  | 'GROUP_FULL' // at the limit of members, devices or operations
  | 'GROUP_LINK' // a link that joins a group, not one that adds a contact
  | 'TOO_LARGE'
  | 'LIMIT' // so many of a kind are there already, or wait: the message says of what
  | 'RELAY_UNREACHABLE'
  | 'RELAY_QUOTA'
  | 'TIMEOUT'
  | 'ABORTED'
  | 'VERSION_UNSUPPORTED' // written, or spoken, by a newer version
  | 'CORRUPT_STORE'
  | 'PORT_IN_USE'
  | 'LISTEN_FAILED' // an address this machine cannot listen on
  | 'ADDRESS_INVALID' // text that is no multiaddr, or one nothing here can dial
  | 'UNREACHABLE' // nobody answered at an address
  | 'WRONG_PEER' // another host answered than the one expected
  | 'KEY_REFUSED' // a transport key outside the Ed25519 rule of SPEC.md §1
  | 'PROTOCOL_UNSUPPORTED' // the host does not speak it
  | 'CONNECTION_LOST' // the connection under a stream went away
  | 'STREAM_CLOSED' // used after its end
  | 'STREAM_RESET' // the remote dropped the stream
  | 'STREAM_FAILED' // a handler threw something that is no Error
  | 'FRAME_LENGTH' // a frame of 0 bytes, or above the protocol's maximum
  | 'FRAME_TRUNCATED' // the stream ended within a frame
  | 'WRITE_LIMIT' // send() was called on and on after it said false
  | 'CURSOR_TOO_OLD' // the change feed no longer holds it: read the chats anew
  | 'EXISTS' // there is one already
  | 'EMPTY_TEXT' // nothing to send, or white space only
  | 'NAME_TAKEN'
  | 'INVALID' // an argument that cannot be used: the message says why
  | 'NO_RELAY' // neither a relay nor an address of one's own to be reached at
  | 'UNKNOWN_MESSAGE'
  | 'CLOSED' // the node is stopped
  | 'BUSY' // too many calls wait: try again
  | 'PROFILE_COPIED' // the folder is a copy of another: its keys may be in use elsewhere
  | 'PROFILE_BEHIND' // set back or copied: the contact holds more of this device than it does
  | 'STORE_FAILED' // the profile cannot be written: the node is read-only until it can
  | 'INTERNAL' // a defect of ours
  | 'NOT_WRITABLE'
  | 'DISK_FULL'

export interface NodeErrorOptions {
  /** What to do about it, one sentence. */
  readonly hint?: string
  /** Whether the same call may succeed later without anybody doing anything. */
  readonly retryable?: boolean
  readonly cause?: unknown
}

/** Where nothing more exact is said. */
const HINTS: Readonly<Partial<Record<NodeErrorCode, string>>> = {
  INVALID: 'Nothing was done. Change what the message names, and try again.',
  ABORTED: 'It was stopped from here. What was queued before stays queued.',
  TIMEOUT: 'Try again later. What was queued stays queued, and goes on.',
}

export class NodeError extends Error {
  override readonly name = 'NodeError'
  readonly code: NodeErrorCode
  readonly hint: string
  readonly retryable: boolean

  constructor(code: NodeErrorCode, message: string, options: NodeErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.hint = options.hint ?? HINTS[code] ?? ''
    this.retryable = options.retryable ?? false
  }
}
