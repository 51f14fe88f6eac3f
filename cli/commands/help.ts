// sotto help: commands and topics.
import type { Command } from 'commander'
import { CliError } from '../cli-error.ts'
import { EXIT_MEANINGS } from '../exit-codes.ts'
import { SCRIPTING } from '../help-scripting.ts'
import { buildProgram } from '../program.ts'
import type { Invocation } from '../tree/index.ts'

const EXIT_CODES = [
  'Exit codes',
  '',
  ...EXIT_MEANINGS.map(([code, meaning]) => `  ${String(code).padStart(3)}  ${meaning}`),
  '',
].join('\n')

const TOPICS: Readonly<Record<string, string>> = {
  scripting: SCRIPTING,
  'exit-codes': EXIT_CODES,
}

export async function run({ words, output }: Invocation): Promise<void> {
  const [first = ''] = words
  const topic = Object.hasOwn(TOPICS, first) ? TOPICS[first] : undefined
  if (topic !== undefined) return output.raw(topic)
  let command: Command | undefined = buildProgram(words, (text) => output.raw(text)).program
  for (const word of words) {
    command = command?.commands.find((child) => child.name() === word)
  }
  if (command === undefined) {
    throw new CliError('USAGE', `no help on '${words.join(' ')}'`, 'See: sotto --help')
  }
  command.outputHelp()
  if (words.length === 0) output.raw('\nTopics: sotto help scripting, sotto help exit-codes\n')
}
