// Commands that advice names, made whole: whoever pastes one reaches the profile that it is about.
import { asWord } from '../node/as-word.ts'
import { TREE } from './tree/index.ts'

const ABOUT_NO_PROFILE = ['demo', 'completion', 'help']

const names = TREE.map(({ name }) => name).filter((name) => !ABOUT_NO_PROFILE.includes(name))
// One that names its folder itself, or only asks for help, is whole.
const COMMAND = new RegExp(
  `\\bsotto (?=(?:${names.join('|')})\\b)(?![^\`;\\n]*--(?:dir|help)\\b)`,
  'g',
)

/** Puts the --dir that was given into every command of this program that a text names. */
export function withOwnFolder(text: string, dir: string | undefined): string {
  if (dir === undefined) return text
  const flag = `--dir ${asWord(dir.startsWith('-') ? `./${dir}` : dir)}`
  return text.replace(COMMAND, () => `sotto ${flag} `)
}
