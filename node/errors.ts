// Errors of this floor: a stable code, a sentence, and what to do about it.

export interface NodeErrorOptions {
  /** What the user or caller can do. */
  readonly hint?: string
  /** Whether the same call may work later. */
  readonly retryable?: boolean
  readonly cause?: unknown
}

export class NodeError extends Error {
  override readonly name = 'NodeError'
  readonly code: string
  readonly hint: string | undefined
  readonly retryable: boolean

  constructor(code: string, message: string, options: NodeErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.code = code
    this.hint = options.hint
    this.retryable = options.retryable ?? false
  }
}
