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
  | 'NOT_MEMBER'
  | 'NOT_ADMIN'
  | 'TOO_LARGE'
  | 'RELAY_UNREACHABLE'
  | 'RELAY_QUOTA'
  | 'TIMEOUT'
  | 'ABORTED'
  | 'VERSION_UNSUPPORTED' // written, or spoken, by a newer version
  | 'CORRUPT_STORE'
  | 'PORT_IN_USE'
  | 'NOT_WRITABLE'
  | 'DISK_FULL'

export interface NodeErrorOptions {
  /** What to do about it, one sentence. */
  readonly hint?: string
  /** Whether the same call may succeed later without anybody doing anything. */
  readonly retryable?: boolean
  readonly cause?: unknown
}

export class NodeError extends Error {
  override readonly name = 'NodeError'
  readonly code: NodeErrorCode
  readonly hint: string
  readonly retryable: boolean

  constructor(code: NodeErrorCode, message: string, options: NodeErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.hint = options.hint ?? ''
    this.retryable = options.retryable ?? false
  }
}
