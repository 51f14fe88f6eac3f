// sotto init: keys, an address, a folder.
import { createInterface } from 'node:readline/promises'
import { readFile } from 'node:fs/promises'
import { CliError } from '../cli-error.ts'
import { profileFolder } from '../folders.ts'
import { loadNode } from '../node-door.ts'
import { askNewPassphrase, passphraseFile } from '../passphrase.ts'
import { terminalSafeLine } from '../terminal-safe.ts'
import type { Invocation } from '../tree/index.ts'

const WORDS_IN_ROW = 4

async function askName(): Promise<string> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new CliError('USAGE', 'a name is missing', 'Say: sotto init --name NAME')
  }
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return (await lines.question('What should friends call you? ')).trim()
  } finally {
    lines.close()
  }
}

async function phraseFrom(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined
  try {
    return (await readFile(file, 'utf8')).trim().split(/\s+/).join(' ')
  } catch (error) {
    throw new CliError('INPUT_INVALID', `cannot read ${file}`, 'It holds the 24 words.', error)
  }
}

async function chosenPassphrase(invocation: Invocation): Promise<string | undefined> {
  const { flags, global, environment } = invocation
  // commander's negated flag: true unless --no-passphrase was given.
  if (!flags.on('passphrase')) return undefined
  return askNewPassphrase(passphraseFile(global.passphraseFile, environment))
}

/** A terminal would break a long line within a word. */
function inRows(phrase: string): string {
  const words = phrase.split(' ')
  const rows: string[] = []
  while (words.length > 0) rows.push(`  ${words.splice(0, WORDS_IN_ROW).join(' ')}\n`)
  return rows.join('')
}

export async function run(invocation: Invocation): Promise<void> {
  const { flags, global, environment, output } = invocation
  const dir = profileFolder(global.dir, environment)
  const { checkNewFolder, initProfile } = await loadNode()
  // Before anything is asked.
  await checkNewFolder(dir)
  const name = flags.text('name') ?? (await askName())
  const phrase = await phraseFrom(flags.text('fromPhraseFile'))
  const passphrase = await chosenPassphrase(invocation)
  const made = await initProfile({
    dir,
    name,
    relays: flags.list('relay'),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(phrase === undefined ? {} : { phrase }),
  })
  output.record({ name: made.name, address: made.address }, () => [
    [`You are ${terminalSafeLine(made.name)}.`],
    [`Address: ${made.address}`],
    [`Folder:  ${dir}`],
  ])
  if (phrase === undefined) {
    output.talk(
      `These 24 words are your account. Write them down: they are shown once and kept nowhere.\n\n${inRows(made.phrase)}\n`,
    )
  }
  if (phrase !== undefined) {
    output.talk(
      'Contacts are not in the words: add friends again, by a link of yours or of theirs. What they wrote and you never got comes then.',
    )
  }
  output.talk('Next: sotto invite makes a link for a friend; sotto add LINK takes theirs.')
}
