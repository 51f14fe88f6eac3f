import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { type Parsed, parse } from '../../cli/program.ts'
import { type CommandSpec, TREE } from '../../cli/tree/index.ts'
import { VERSION } from '../../cli/version.ts'
import { sottoWords } from './shell-words.ts'

interface Placed {
  readonly path: readonly string[]
  readonly spec: CommandSpec
}

function all(specs: readonly CommandSpec[], path: readonly string[] = []): readonly Placed[] {
  return specs.flatMap((spec) => {
    const here = [...path, spec.name]
    return [{ path: here, spec }, ...all(spec.commands ?? [], here)]
  })
}

const COMMANDS = all(TREE)

function quietly(argv: readonly string[]): Parsed {
  return parse(argv, () => undefined)
}

function helpOf(path: readonly string[]): string {
  let text = ''
  expect(parse([...path, '--help'], (part) => (text += part))).toEqual({ kind: 'shown' })
  return text
}

describe('every command', () => {
  test.each(COMMANDS.map(({ path, spec }) => [path.join(' '), spec] as const))(
    '%s begins its help with examples that parse',
    (path, spec) => {
      const help = helpOf(path.split(' '))
      expect(help.startsWith('Examples:\n  $ ')).toBe(true)
      expect(help).toContain('--json')
      expect(spec.examples.length).toBeGreaterThan(0)
      for (const example of spec.examples) {
        expect(help).toContain(`  $ ${example}\n`)
        expect(quietly(sottoWords(example)), example).toMatchObject({ kind: 'run' })
      }
    },
  )

  test('shows an example of itself', () => {
    for (const { path, spec } of COMMANDS) {
      const own = spec.examples.map((example) => quietly(sottoWords(example)))
      if (spec.load === undefined) continue
      expect(
        own.some((parsed) => parsed.kind === 'run' && parsed.spec === spec),
        path.join(' '),
      ).toBe(true)
    }
  })

  test('has code that loads', async () => {
    for (const { spec } of COMMANDS) {
      if (spec.load === undefined) expect(spec.commands?.length).toBeGreaterThan(0)
      else expect(await spec.load()).toBeTypeOf('function')
    }
  })

  test('is in the help of its parent', () => {
    for (const { path } of COMMANDS) {
      expect(helpOf(path.slice(0, -1))).toContain(`  ${path.at(-1) ?? ''}`)
    }
  })
})

describe('an argument list', () => {
  test('may hold the global flags anywhere', () => {
    for (const argv of [
      ['--json', '--dir', 'd', 'send', 'bob', 'hi'],
      ['send', '--json', 'bob', '--dir', 'd', 'hi'],
      ['send', 'bob', 'hi', '--dir', 'd', '--json'],
    ]) {
      const parsed = quietly(argv)
      expect(parsed).toMatchObject({ words: ['bob', 'hi'], values: { json: true, dir: 'd' } })
    }
  })

  test('takes what follows -- as it is', () => {
    const parsed = quietly(['send', 'bob', '--json', '--', '--wait', '-5'])
    expect(parsed).toMatchObject({ words: ['bob', '--wait', '-5'], values: { json: true } })
  })

  test('keeps a lone dash, empty words and blanks', () => {
    expect(quietly(['send', 'bob', '-'])).toMatchObject({ words: ['bob', '-'] })
    expect(quietly(['send', 'bob', ''])).toMatchObject({ words: ['bob', ''] })
    expect(quietly(['send', 'bob', ' a  b '])).toMatchObject({ words: ['bob', ' a  b '] })
  })

  test('collects flags that may be given more than once', () => {
    const parsed = quietly(['init', '--name', 'A', '--relay', 'one', '--relay', 'two'])
    expect(parsed).toMatchObject({ values: { relay: ['one', 'two'], passphrase: true } })
    expect(quietly(['init', '--no-passphrase'])).toMatchObject({ values: { passphrase: false } })
  })

  test('leaves no trace of the parse before', () => {
    quietly(['--json', 'daemon', 'run', '--listen', 'one'])
    expect(quietly(['daemon', 'run', '--listen', 'two'])).toMatchObject({
      values: { listen: ['two'] },
    })
    expect(quietly(['daemon', 'run'])).not.toHaveProperty('values.json')
  })

  test('alone asks what to do next', () => {
    expect(quietly([])).toMatchObject({ kind: 'bare' })
    expect(quietly(['--dir', 'd'])).toMatchObject({ kind: 'bare', values: { dir: 'd' } })
  })

  test.each([
    [['sned'], "unknown command 'sned'", 'Did you mean send?'],
    [['contact', 'lst'], "unknown command 'lst'", 'Did you mean list?'],
    [['send', 'bob', 'hi', '--jsn'], "unknown option '--jsn'", 'Did you mean --json?'],
    [['send', 'bob'], "missing required argument 'text'", 'sotto send --help'],
    [['send', 'bob'], "missing required argument 'text'", 'or - to have it read'],
    [['why', 'a', 'b'], 'too many arguments', 'sotto why --help'],
    [['send', 'bob', 'hi', '--wait'], 'argument missing', 'sotto send --help'],
    [['contact'], 'needs one of: list, show', 'sotto contact --help'],
    [['-x'], "unknown option '-x'", 'sotto --help'],
  ])('%j is a mistake with advice', (argv, message, hint) => {
    const parsed = quietly(argv)
    expect(parsed.kind).toBe('usage')
    expect(parsed).toMatchObject({
      message: expect.stringContaining(message),
      hint: expect.stringContaining(hint),
    })
  })

  test('knows the version of the package', async () => {
    const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string }
    expect(VERSION).toBe(version)
    let text = ''
    expect(parse(['--version'], (part) => (text += part))).toEqual({ kind: 'shown' })
    expect(text).toBe(`${version}\n`)
  })
})
