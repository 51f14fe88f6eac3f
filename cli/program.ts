// From the command tree to commander, and from an argument list to a command that can be run. No
// command's code is loaded here.
import { Command, CommanderError, Option } from 'commander'
import { type CommandSpec, type FlagSpec, GLOBAL_FLAGS, TREE } from './tree/index.ts'
import { VERSION } from './version.ts'

/** What an argument list asks for. */
export type Parsed =
  | {
      readonly kind: 'run'
      readonly spec: CommandSpec
      readonly words: readonly string[]
      /** Values of its flags and the global ones. */
      readonly values: Readonly<Record<string, unknown>>
    }
  /** `sotto` alone. */
  | { readonly kind: 'bare'; readonly values: Readonly<Record<string, unknown>> }
  /** Help or the version was written already. */
  | { readonly kind: 'shown' }
  | { readonly kind: 'usage'; readonly message: string; readonly hint: string }

interface Programme {
  readonly program: Command
  readonly result: () => Parsed | undefined
}

function option(spec: FlagSpec): Option {
  const made = new Option(spec.flags, spec.about)
  if (spec.repeats !== true) return made
  return made.argParser((value: string, before: readonly string[] | undefined) => [
    ...(before ?? []),
    value,
  ])
}

function examplesText(examples: readonly string[]): string {
  return `Examples:\n${examples.map((line) => `  $ ${line}`).join('\n')}\n`
}

class Stop extends Error {
  readonly command: Command
  readonly error: CommanderError

  constructor(command: Command, error: CommanderError) {
    super(error.message)
    this.command = command
    this.error = error
  }
}

function dress(command: Command, about: string, examples: readonly string[]): Command {
  return command
    .description(about)
    .helpOption('-h, --help', 'this help')
    .helpCommand(false)
    .allowExcessArguments(false)
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('before', examplesText(examples))
    .exitOverride((error) => {
      throw new Stop(command, error)
    })
}

function description({ about, details = [] }: CommandSpec): string {
  return details.length === 0 ? about : `${about}\n\n${details.join(' ')}`
}

function build(
  spec: CommandSpec,
  parent: Command,
  argv: readonly string[],
  chosen: (spec: CommandSpec, command: Command) => void,
): void {
  const command = parent.command(spec.name)
  dress(command, description(spec), spec.examples)
  command.summary(spec.about)
  for (const word of spec.words ?? []) command.argument(word.syntax, word.about)
  for (const flag of spec.flags ?? []) command.addOption(option(flag))
  if (spec.load !== undefined) command.action(() => chosen(spec, command))
  // What nobody asked about is not built: it costs as much as all the rest of `sotto --help`.
  if (!argv.includes(spec.name)) return
  for (const child of spec.commands ?? []) build(child, command, argv, chosen)
}

/** The parser of an argument list; `result` gives what the last parse found. */
export function buildProgram(argv: readonly string[], writeOut: (text: string) => void): Programme {
  let found: Parsed | undefined
  const program = new Command('sotto')
  // Errors are written by whoever asked, in one form for all.
  program.configureOutput({ writeOut, writeErr: () => undefined, outputError: () => undefined })
  dress(program, 'A messenger that never loses a message, and shows why you may believe it.', [
    'sotto init --name Alice',
    'sotto invite',
    'sotto send bob "hello"',
    'sotto help scripting',
  ])
  program.version(VERSION, '--version', 'the version')
  for (const flag of GLOBAL_FLAGS) program.addOption(option(flag))
  for (const spec of TREE) {
    build(spec, program, argv, (chosen, command) => {
      found = {
        kind: 'run',
        spec: chosen,
        words: command.processedArgs.flat().filter((word) => typeof word === 'string'),
        values: command.optsWithGlobals(),
      }
    })
  }
  return { program, result: () => found }
}

function pathOf(command: Command): string {
  const parent = command.parent
  return parent === null ? command.name() : `${pathOf(parent)} ${command.name()}`
}

function explain({ command, error }: Stop): Parsed {
  if (error.exitCode === 0) return { kind: 'shown' }
  const path = pathOf(command)
  const see = `See: ${path} --help`
  if (error.code === 'commander.help') {
    if (command.parent === null) return { kind: 'bare', values: command.opts() }
    const names = command.commands.map((child) => child.name()).join(', ')
    return { kind: 'usage', message: `${path} needs one of: ${names}`, hint: see }
  }
  const [message = '', ...rest] = error.message.replace(/^error: /, '').split('\n')
  const advice = message.endsWith("argument 'text'")
    ? 'Write it, or - to have it read from standard input.'
    : rest.join(' ').replace(/^\(|\)$/g, '')
  return { kind: 'usage', message, hint: advice === '' ? see : `${advice} ${see}` }
}

/** Reads an argument list (without node and script). Help goes to `writeOut`. */
export function parse(argv: readonly string[], writeOut: (text: string) => void): Parsed {
  const { program, result } = buildProgram(argv, writeOut)
  try {
    program.parse([...argv], { from: 'user' })
  } catch (error) {
    if (error instanceof Stop) return explain(error)
    throw error
  }
  return result() ?? { kind: 'bare', values: program.opts() }
}
