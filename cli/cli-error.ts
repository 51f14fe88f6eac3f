// Errors that only the command line can make: the node never saw the command.

export type CliErrorCode =
  | 'USAGE' // a command, flag or argument that cannot be understood
  | 'PASSPHRASE_NEEDED' // a profile is locked, and there is nobody to ask
  | 'INPUT_INVALID' // standard input or a file holds what cannot be used
  | 'DEMO_FAILED' // a step of the demonstration did not end as it should

export class CliError extends Error {
  override readonly name = 'CliError'
  readonly code: CliErrorCode
  readonly hint: string

  constructor(code: CliErrorCode, message: string, hint?: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.hint = hint ?? (code === 'USAGE' ? 'See the same command with --help.' : '')
  }
}
