// Errors of this floor. Bytes from a peer are expected to be bad: decoders throw CryptoError
// (ERR_WIRE_*), machines return outcomes; what is thrown here undoes the whole turn.

export type ProtocolErrorCode =
  | 'ERR_PROTOCOL_FORBIDDEN' // blocked, removed device, wrong author
  | 'ERR_PROTOCOL_LIMIT' // a stated bound is reached
  | 'ERR_PROTOCOL_STALE' // duplicate, or of an evicted session
  | 'ERR_PROTOCOL_UNKNOWN' // a conversation, contact or entry that is not here
  | 'ERR_PROTOCOL_TOO_LARGE' // longer than one message can carry
  | 'ERR_PROTOCOL_EMPTY' // nothing, or white space only
  | 'ERR_PROTOCOL_INVITE' // an invite that is damaged, used, expired or of another version
  | 'ERR_PROTOCOL_NAME' // a group name that is empty, too long, or has controls in it
  | 'ERR_PROTOCOL_ROLE' // one's authority in the group does not reach that far
  | 'ERR_PROTOCOL_GROUP' // a group that is not here, or that one is not in
  | 'ERR_PROTOCOL_STATE' // a record contradicts another: a defect, or a damaged store

export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
  readonly code: ProtocolErrorCode
  /** Machine-readable detail, e.g. a limit and what was met. */
  readonly detail: Readonly<Record<string, string | number>>

  constructor(
    code: ProtocolErrorCode,
    message: string,
    options?: {
      readonly detail?: Readonly<Record<string, string | number>>
      readonly cause?: unknown
    },
  ) {
    super(message, options)
    this.code = code
    this.detail = options?.detail ?? {}
  }
}
