// The only writer to the terminal. stdout is data: text for people, or with --json one object a
// line with "v":1. stderr is talk. Every piece of text is made safe here, whoever wrote it.
import { styleText } from 'node:util'
import { columns } from './columns.ts'
import { exitCodeOf } from './exit-codes.ts'
import { withOwnFolder } from './own-command.ts'
import { safeJson, terminalSafe, terminalSafeLine } from './terminal-safe.ts'

/** A stream to write to: process.stdout, process.stderr, or a test's. */
export interface Sink {
  readonly isTTY?: boolean
  write(text: string): unknown
}

export interface OutputOptions {
  readonly stdout: Sink
  readonly stderr: Sink
  readonly json: boolean
  readonly quiet: boolean
  readonly verbose: boolean
  readonly color: boolean
  /** The --dir that was given: advice names it. */
  readonly dir?: string | undefined
}

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow'

/** Text with a style; a plain string has none. */
export type Part = string | { readonly text: string; readonly style: Style }

interface ErrorForm {
  readonly code: string
  readonly message: string
  readonly hint: string
}

/** What an error says to a user: `code`, a sentence, and what to do. */
export function errorForm(error: unknown): ErrorForm {
  if (!(error instanceof Error)) return { code: 'INTERNAL', message: String(error), hint: '' }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const hint = 'hint' in error && typeof error.hint === 'string' ? error.hint : ''
  const ours = error.name === 'NodeError' || error.name === 'CliError'
  if (ours && code !== '') return { code, message: error.message, hint }
  if (error.name === 'AbortError') return { code: 'ABORTED', message: 'stopped', hint: '' }
  if (code === 'ERR_MODULE_NOT_FOUND') {
    // Parts are loaded when they are needed: those of this version are there no more.
    const hint = 'Start it again. If that does not help, install it again.'
    return { code: 'INTERNAL', message: 'sotto was updated or removed while this ran', hint }
  }
  return {
    code: 'INTERNAL',
    message: error.message,
    hint: 'This is a defect. Run it again with --verbose and report what it prints.',
  }
}

export class Output {
  readonly json: boolean
  /** Whether a person reads stdout. */
  readonly onTerminal: boolean
  readonly #options: OutputOptions

  constructor(options: OutputOptions) {
    this.#options = options
    this.json = options.json
    this.onTerminal = options.stdout.isTTY === true && !options.json
  }

  #render(parts: readonly Part[], color: boolean): string {
    return parts
      .map((part) => {
        if (typeof part === 'string') return terminalSafe(part)
        const text = terminalSafe(part.text)
        // Whether the stream takes colour was decided before.
        return color ? styleText(part.style, text, { validateStream: false }) : text
      })
      .join('')
  }

  /** Data: with --json the object, otherwise what `human` makes of it, one line for each. */
  record(object: object, human: () => readonly (readonly Part[])[]): void {
    if (this.json) {
      this.#options.stdout.write(`${safeJson({ v: 1, ...object })}\n`)
      return
    }
    for (const parts of human()) this.line(...parts)
  }

  /** Data for people: with --json nothing. */
  line(...parts: Part[]): void {
    if (this.json) return
    this.#options.stdout.write(`${this.#render(parts, this.#options.color)}\n`)
  }

  /** Data, as it is: for completions and man pages, never for text from outside. */
  raw(text: string): void {
    this.#options.stdout.write(text)
  }

  /** A table for people, or with --json one object for each row. */
  table<T extends object>(
    heading: readonly string[],
    rows: readonly T[],
    cells: (row: T) => readonly string[],
  ): void {
    if (this.json) {
      for (const row of rows) this.record(row, () => [])
      return
    }
    const lines = columns(heading, rows.map(cells))
    const [first, ...rest] = lines
    this.line({ text: first ?? '', style: 'dim' })
    for (const line of rest) this.line(line)
  }

  /** Advice within data: the commands that it names are this profile's. */
  advice(text: string): string {
    return withOwnFolder(text, this.#options.dir)
  }

  /** Talk: progress, advice. Not with --quiet. */
  talk(text: string): void {
    this.quote(this.advice(text))
  }

  /** Talk that is shown as it is: words of a user, or what somebody else is to type. */
  quote(text: string): void {
    if (this.#options.quiet) return
    this.#options.stderr.write(`${terminalSafe(text)}\n`)
  }

  /** Details for --verbose. */
  detail(text: string): void {
    if (this.#options.verbose) this.#options.stderr.write(`${terminalSafe(text)}\n`)
  }

  /** Tells an error and returns the exit status for it. */
  fail(error: unknown): number {
    const told = errorForm(error)
    const form = { ...told, hint: this.advice(told.hint) }
    const { stderr, verbose } = this.#options
    if (this.json) {
      stderr.write(`${safeJson({ v: 1, error: form })}\n`)
    } else {
      stderr.write(`error: ${terminalSafeLine(form.message)}\n`)
      if (form.hint !== '') stderr.write(`  ${terminalSafeLine(form.hint)}\n`)
      stderr.write(`  code: ${terminalSafeLine(form.code)}\n`)
    }
    if (verbose && error instanceof Error) this.detail(stackOf(error))
    return exitCodeOf(form.code)
  }
}

function stackOf(error: Error): string {
  const parts: string[] = []
  for (let at: unknown = error; at instanceof Error && parts.length < 4; at = at.cause) {
    parts.push(at.stack ?? String(at))
  }
  return parts.join('\ncaused by ')
}
