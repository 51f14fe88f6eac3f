// The passphrase: from a file or standard input, or asked for on a terminal, never from a flag or a
// variable, which other processes can read.
import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { CliError } from './cli-error.ts'
import { STDIN_FILE } from './stdin.ts'

type Environment = Readonly<Record<string, string | undefined>>

const HINT = 'Give --passphrase-file F or set SOTTO_PASSPHRASE_FILE.'

/** The passphrase in a file, or for `-` all of standard input, without the newline that ends it. Throws PASSPHRASE_NEEDED. */
export async function passphraseFromFile(path: string): Promise<string> {
  let bytes: Uint8Array
  try {
    bytes = path === STDIN_FILE ? await buffer(process.stdin) : await readFile(path)
  } catch (error) {
    throw new CliError('PASSPHRASE_NEEDED', `cannot read the passphrase file ${path}`, HINT, error)
  }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    throw new CliError('PASSPHRASE_NEEDED', `${path} is not UTF-8 text`, HINT, error)
  }
  const passphrase = text.replace(/\r?\n$/, '')
  if (passphrase !== '') return passphrase
  throw new CliError('PASSPHRASE_NEEDED', `the passphrase file ${path} is empty`, HINT)
}

/** The file that the flag or the environment names. */
export function passphraseFile(
  flag: string | undefined,
  environment: Environment,
): string | undefined {
  const named = flag ?? environment['SOTTO_PASSPHRASE_FILE']
  return named === '' ? undefined : named
}

async function prompt(question: string): Promise<string> {
  const { isCancel, password } = await import('@clack/prompts')
  const answer = await password({ message: question, output: process.stderr })
  if (!isCancel(answer)) return answer
  throw new DOMException('the prompt was left', 'AbortError')
}

function requireTerminal(why: string, hint: string): void {
  if (process.stdin.isTTY && process.stderr.isTTY) return
  throw new CliError('PASSPHRASE_NEEDED', why, hint)
}

/** The passphrase of a profile that has one. Throws PASSPHRASE_NEEDED where nobody can be asked. */
export async function askPassphrase(file: string | undefined): Promise<string> {
  if (file !== undefined) return passphraseFromFile(file)
  requireTerminal('this profile has a passphrase', HINT)
  return prompt('Passphrase')
}

/** A new passphrase, typed twice. Throws PASSPHRASE_NEEDED where nobody can be asked. */
export async function askNewPassphrase(file: string | undefined): Promise<string> {
  if (file !== undefined) return passphraseFromFile(file)
  requireTerminal('no passphrase was chosen for the new profile', `${HINT} Or say --no-passphrase.`)
  for (let question = 'Choose a passphrase'; ; question = 'They differ. Choose a passphrase') {
    const first = await prompt(question)
    if (first === '') {
      throw new CliError('USAGE', 'an empty passphrase protects nothing', 'Or say --no-passphrase.')
    }
    if (first === (await prompt('Once more'))) return first
  }
}
