// A command as if it had been typed, with its output kept.
import { Flags } from '../../cli/flags.ts'
import { Output } from '../../cli/output.ts'
import { parse } from '../../cli/program.ts'

export interface Played {
  readonly stdout: string
  readonly stderr: string
  /** What the command returned; 0 for nothing, the exit status of its error. */
  readonly exitCode: number
}

export interface PlayOptions {
  readonly terminal?: boolean
  readonly signal?: AbortSignal
  readonly environment?: Readonly<Record<string, string>>
  /** Hears stdout as it is written. */
  readonly heard?: (text: string) => void
}

/** Parses and runs a command line in this process. */
export async function play(argv: readonly string[], options: PlayOptions = {}): Promise<Played> {
  let stdout = ''
  let stderr = ''
  const write = (text: string): void => {
    stdout += text
    options.heard?.(text)
  }
  const parsed = parse(argv, write)
  if (parsed.kind !== 'run') throw new Error(`not a command: ${argv.join(' ')} (${parsed.kind})`)
  const flags = new Flags(parsed.values)
  const global = {
    dir: flags.text('dir'),
    passphraseFile: flags.text('passphraseFile'),
    json: flags.on('json'),
    quiet: flags.on('quiet'),
    verbose: flags.on('verbose'),
  }
  const output = new Output({
    ...global,
    stdout: { isTTY: options.terminal ?? false, write },
    stderr: { write: (text: string) => (stderr += text) },
    color: false,
  })
  const run = await parsed.spec.load?.()
  if (run === undefined) throw new Error('a command without code')
  const signal = options.signal ?? new AbortController().signal
  const environment = options.environment ?? {}
  let exitCode = 0
  try {
    const invocation = { words: parsed.words, flags, global, output, signal, environment }
    exitCode = (await run(invocation)) ?? 0
  } catch (error) {
    exitCode = output.fail(error)
  }
  return { stdout, stderr, exitCode }
}

/** The objects of a JSON output. */
export function records(text: string): readonly Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}
