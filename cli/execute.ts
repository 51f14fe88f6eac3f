// Carries out what was parsed: streams, signals, errors, exit status.
import { CliError } from './cli-error.ts'
import { EXIT } from './exit-codes.ts'
import { Flags } from './flags.ts'
import { Output } from './output.ts'
import type { Parsed } from './program.ts'
import { STDIN_FILE } from './stdin.ts'
import type { GlobalFlags, Run } from './tree/index.ts'

function globalFlags(values: Readonly<Record<string, unknown>>): GlobalFlags {
  const flags = new Flags(values)
  return {
    dir: flags.text('dir'),
    passphraseFile: flags.text('passphraseFile'),
    json: flags.on('json'),
    quiet: flags.on('quiet'),
    verbose: flags.on('verbose'),
  }
}

/** Flags that matter even where the rest cannot be understood. */
function guessedFlags(argv: readonly string[]): Readonly<Record<string, unknown>> {
  const end = argv.indexOf('--')
  const before = end === -1 ? argv : argv.slice(0, end)
  const dir = before[before.indexOf('--dir') + 1]
  return {
    json: before.includes('--json'),
    verbose: before.includes('--verbose'),
    ...(before.includes('--dir') && dir !== undefined ? { dir } : {}),
  }
}

function wantsColor(environment: NodeJS.ProcessEnv): boolean {
  const { NO_COLOR, TERM } = environment
  if (NO_COLOR !== undefined && NO_COLOR !== '') return false
  return process.stdout.isTTY && TERM !== 'dumb'
}

/** Whether a signal asked for the end, and which. */
export class Stopped extends Error {
  override readonly name = 'AbortError'
  readonly bySignal: 'SIGINT' | 'SIGTERM'

  constructor(bySignal: 'SIGINT' | 'SIGTERM') {
    super(`stopped by ${bySignal}`)
    this.bySignal = bySignal
  }
}

/** The first signal asks a command to end in good order, the second ends it. */
function stopOnSignals(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(EXIT.INTERRUPTED)
      controller.abort(new Stopped(name))
    })
  }
  return controller.signal
}

async function flush(stream: NodeJS.WriteStream): Promise<void> {
  await new Promise<void>((resolve) => stream.write('', () => resolve()))
}

/** The reader of a pipe went away (`sotto read | head`): nothing is left to say. */
function endQuietlyOnClosedPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? EXIT.OK : EXIT.FAILED)
  })
}

async function codeOf(parsed: Parsed): Promise<Run> {
  if (parsed.kind === 'usage') throw new CliError('USAGE', parsed.message, parsed.hint)
  if (parsed.kind === 'run' && parsed.spec.load !== undefined) return parsed.spec.load()
  return (await import('./commands/bare.ts')).run
}

/** Standard input holds one thing: `-` may stand for the passphrase or for a word, not for both. */
function checkInput(words: readonly string[], { passphraseFile }: GlobalFlags): void {
  if (passphraseFile !== STDIN_FILE || !words.includes('-')) return
  throw new CliError('USAGE', 'standard input cannot be the passphrase and something else')
}

/** Runs a command and ends the process with its exit status. */
export async function execute(parsed: Parsed, argv: readonly string[]): Promise<never> {
  endQuietlyOnClosedPipe()
  const values = 'values' in parsed ? parsed.values : guessedFlags(argv)
  const global = globalFlags(values)
  const output = new Output({
    stdout: process.stdout,
    stderr: process.stderr,
    json: global.json,
    quiet: global.quiet,
    verbose: global.verbose,
    color: wantsColor(process.env),
    dir: global.dir,
  })
  const signal = stopOnSignals()
  let exitCode: number = EXIT.OK
  try {
    const run = await codeOf(parsed)
    const words = parsed.kind === 'run' ? parsed.words : []
    checkInput(words, global)
    const flags = new Flags(values)
    const environment = process.env
    exitCode = (await run({ words, flags, global, output, signal, environment })) ?? EXIT.OK
    if (isInterrupt(signal)) exitCode = EXIT.INTERRUPTED
  } catch (error) {
    exitCode = signal.aborted ? EXIT.INTERRUPTED : output.fail(error)
  }
  await flush(process.stdout)
  await flush(process.stderr)
  process.exit(exitCode)
}

function isInterrupt(signal: AbortSignal): boolean {
  return signal.aborted && signal.reason instanceof Stopped && signal.reason.bySignal === 'SIGINT'
}
