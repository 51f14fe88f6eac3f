// Advice names commands: whoever pastes one runs what was meant, for the profile it was about.
import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Output } from '../../cli/output.ts'
import { withOwnFolder } from '../../cli/own-command.ts'
import { type CommandSpec, TREE } from '../../cli/tree/index.ts'
import { asWord } from '../../node/as-word.ts'
import { NodeError } from '../../node/errors.ts'

test.each([
  ['Start it with `sotto daemon start`.', 'Start it with `sotto --dir /a daemon start`.'],
  [
    'See: sotto invite list, sotto invite revoke',
    'See: sotto --dir /a invite list, sotto --dir /a invite revoke',
  ],
  ['the next sotto command sends', 'the next sotto command sends'],
  ['A link begins with "sotto:".', 'A link begins with "sotto:".'],
  ['See: sotto group role --help', 'See: sotto group role --help'],
  ['Elsewhere: sotto init --dir FOLDER', 'Elsewhere: sotto init --dir FOLDER'],
  ['See: sotto --help', 'See: sotto --help'],
  ['sotto groupings are no command', 'sotto groupings are no command'],
])('%s', (text, whole) => {
  expect(withOwnFolder(text, '/a')).toBe(whole)
  expect(withOwnFolder(text, undefined)).toBe(text)
})

test.each(['/home/Ann Other/x', "it's", '$(rm -rf ~)', '-x', './$&'])(
  'a folder called %s stays one word of a shell',
  (dir) => {
    const line = withOwnFolder('sotto status', dir)
    const words = execFileSync('sh', ['-c', `printf '%s\\n' ${line}`], { encoding: 'utf8' })
      .trimEnd()
      .split('\n')
    expect(words).toEqual(['sotto', '--dir', dir.startsWith('-') ? `./${dir}` : dir, 'status'])
  },
)

test('is made whole where it is printed: in errors, talk and data, but not in words of a user', () => {
  let stderr = ''
  const output = new Output({
    stdout: { write: () => true },
    stderr: { write: (text) => (stderr += text) },
    json: false,
    quiet: false,
    verbose: false,
    color: false,
    dir: 'alice',
  })
  output.fail(new NodeError('CLOSED', 'no: sotto status', { hint: 'Say: sotto daemon start' }))
  output.talk('Next: sotto send bob "hello"')
  output.quote('Not sent: sotto daemon start')
  expect(stderr.split('\n')).toEqual([
    'error: no: sotto status',
    '  Say: sotto --dir alice daemon start',
    '  code: CLOSED',
    'Next: sotto --dir alice send bob "hello"',
    'Not sent: sotto daemon start',
    '',
  ])
  expect(output.advice('`sotto daemon stop`')).toBe('`sotto --dir alice daemon stop`')
})

test('a name that cannot be typed is told by what is stable', () => {
  expect(asWord('bob', 'k7')).toBe('bob')
  expect(asWord('Bob Miller', 'k7')).toBe("'Bob Miller'")
  expect(asWord('x\u202ey', 'k7')).toBe('k7')
  expect(asWord('x\u200by', 'k7')).toBe('k7')
  expect(asWord('--yes', 'k7')).toBe('k7')
})

function sources(folder: string): readonly string[] {
  return readdirSync(new URL(`../../${folder}/`, import.meta.url), {
    recursive: true,
    encoding: 'utf8',
  }).flatMap((name) =>
    name.endsWith('.ts')
      ? [readFileSync(new URL(`../../${folder}/${name}`, import.meta.url), 'utf8')]
      : [],
  )
}

/** Words that a command cannot do without. */
function needs({ words = [] }: CommandSpec): number {
  return words.filter(({ syntax }) => syntax.startsWith('<')).length
}

// Up to the end of a string, the next command, or a full stop after a lower-case letter.
const NAMED = /\bsotto ([a-z]+)(?: ([a-z]+))?((?:(?![a-z]\.(?: |'|`)|, sotto |['`"],?$|`|;).)*)/g

test('names no command that does not exist, and none without the words that it needs', () => {
  const wrong: string[] = []
  for (const line of [...sources('node'), ...sources('cli')].flatMap((text) => text.split('\n'))) {
    if (/^\s*(\/\/|\*|\/\*)/.test(line)) continue
    for (const [shown, noun = '', verb = '', rest = ''] of line.matchAll(NAMED)) {
      if (noun === 'command' || noun === 'sotto' || rest.includes('--help')) continue
      const spec = TREE.find(({ name }) => name === noun)
      const child = spec?.commands?.find(({ name }) => name === verb)
      const meant = child ?? spec
      const words = `${child === undefined ? verb : ''} ${rest}`.match(/\S+/g) ?? []
      const runs = meant?.load !== undefined && words.length >= needs(meant)
      if (!runs) wrong.push(shown)
    }
  }
  expect(wrong).toEqual([])
})
