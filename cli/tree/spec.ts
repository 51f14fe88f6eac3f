// How a command is declared: names, flags and examples as data, its code behind a function that
// loads it. Help, completions and tests are made from these.
import type { Flags } from '../flags.ts'
import type { Output } from '../output.ts'

/** Flags that every command knows. */
export interface GlobalFlags {
  readonly dir: string | undefined
  readonly passphraseFile: string | undefined
  readonly json: boolean
  readonly quiet: boolean
  readonly verbose: boolean
}

/** A command as it was typed. */
export interface Invocation {
  readonly words: readonly string[]
  readonly flags: Flags
  readonly global: GlobalFlags
  readonly output: Output
  /** Aborts on Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** Carries a command out; a number is its exit status, nothing is 0. */
export type Run = (invocation: Invocation) => Promise<number | void>

export interface FlagSpec {
  /** As commander reads it: `--relay <address>`. */
  readonly flags: string
  readonly about: string
  /** May be given more than once. */
  readonly repeats?: boolean
}

export interface WordSpec {
  /** As commander reads it: `<who>`, `[text...]`. */
  readonly syntax: string
  readonly about: string
}

export interface CommandSpec {
  readonly name: string
  readonly about: string
  /** Lines under the summary in --help. */
  readonly details?: readonly string[]
  readonly words?: readonly WordSpec[]
  readonly flags?: readonly FlagSpec[]
  readonly examples: readonly string[]
  /** Absent where the command only holds others. */
  readonly load?: () => Promise<Run>
  readonly commands?: readonly CommandSpec[]
}
