import { describe, expect, test } from 'vitest'
import { CliError } from '../../cli/cli-error.ts'
import { columns } from '../../cli/columns.ts'
import { Output, type OutputOptions } from '../../cli/output.ts'
import { NodeError } from '../../node/errors.ts'

function capture(options: Partial<OutputOptions> = {}): {
  output: Output
  written: { stdout: string; stderr: string }
} {
  const written = { stdout: '', stderr: '' }
  const output = new Output({
    stdout: { write: (text) => (written.stdout += text) },
    stderr: { write: (text) => (written.stderr += text) },
    json: false,
    quiet: false,
    verbose: false,
    color: false,
    ...options,
  })
  return { output, written }
}

describe('data', () => {
  test('is text for people and one versioned object a line for programs', () => {
    const human = capture()
    human.output.record({ id: 1 }, () => [['one ', { text: 'two', style: 'bold' }], ['three']])
    expect(human.written).toEqual({ stdout: 'one two\nthree\n', stderr: '' })
    const json = capture({ json: true })
    json.output.record({ id: 1, text: 'a\n\u202e' }, () => [['never']])
    json.output.line('never')
    expect(json.written).toEqual({
      stdout: '{"v":1,"id":1,"text":"a\\n\\u202e"}\n',
      stderr: '',
    })
  })

  test('has colour only where it is wanted, and never from a peer', () => {
    const plain = capture()
    plain.output.line({ text: 'x', style: 'red' })
    expect(plain.written.stdout).toBe('x\n')
    const coloured = capture({ color: true })
    coloured.output.line({ text: '\u001b[5mx', style: 'bold' })
    expect(coloured.written.stdout).toBe('\u001b[1m\\x1b[5mx\u001b[22m\n')
  })

  test('in tables is one object a row for programs', () => {
    const rows = [{ name: 'bob' }, { name: 'al\u001bice' }]
    const human = capture()
    human.output.table(['NAME'], rows, ({ name }) => [name])
    expect(human.written.stdout).toBe('NAME\nbob\nal\\x1bice\n')
    const json = capture({ json: true })
    json.output.table(['NAME'], rows, ({ name }) => [name])
    expect(json.written.stdout).toBe('{"v":1,"name":"bob"}\n{"v":1,"name":"al\\u001bice"}\n')
  })

  test('in columns is aligned by what a terminal shows', () => {
    expect(
      columns(
        ['A', 'B'],
        [
          ['日本', '1'],
          ['👩‍👩‍👧', '2'],
          ['abcdef', '3'],
          ['x\ny', '4'],
        ],
      ),
    ).toEqual(['A       B', '日本    1', '👩‍👩‍👧      2', 'abcdef  3', 'x\\ny    4'])
  })
})

describe('errors', () => {
  const error = new NodeError('KEY_CHANGED', "Bob's key changed.", { hint: 'Compare again.' })

  test('are a sentence, what to do, and a code', () => {
    const { output, written } = capture()
    expect(output.fail(error)).toBe(4)
    expect(written).toEqual({
      stdout: '',
      stderr: "error: Bob's key changed.\n  Compare again.\n  code: KEY_CHANGED\n",
    })
  })

  test('are one object on stderr for programs, with stdout empty', () => {
    const { output, written } = capture({ json: true })
    expect(output.fail(error)).toBe(4)
    expect(written.stdout).toBe('')
    expect(JSON.parse(written.stderr)).toEqual({
      v: 1,
      error: { code: 'KEY_CHANGED', message: "Bob's key changed.", hint: 'Compare again.' },
    })
  })

  test('of an update under a program that runs say so', () => {
    const missing = Object.assign(new Error('Cannot find module x'), {
      code: 'ERR_MODULE_NOT_FOUND',
    })
    const { output, written } = capture()
    expect(output.fail(missing)).toBe(1)
    expect(written.stderr).toContain('updated or removed while it ran\n  Start it again.')
  })

  test('show no stack unless asked, then with the cause', () => {
    const nested = new CliError('INPUT_INVALID', 'outer', '', new Error('inner'))
    const plain = capture()
    plain.output.fail(nested)
    expect(plain.written.stderr).not.toContain('output.test.ts')
    const verbose = capture({ verbose: true })
    verbose.output.fail(nested)
    expect(verbose.written.stderr).toContain('output.test.ts')
    expect(verbose.written.stderr).toContain('caused by Error: inner')
  })

  test('cannot carry control characters or further lines', () => {
    const { output, written } = capture()
    output.fail(new NodeError('INTERNAL', 'a\nb\u001b[2J', { hint: 'c\rd' }))
    expect(written.stderr).toBe('error: a\\nb\\x1b[2J\n  c\\rd\n  code: INTERNAL\n')
  })

  test('that nobody foresaw are called a defect', () => {
    const { output, written } = capture({ json: true })
    expect(output.fail(new TypeError('x is undefined'))).toBe(1)
    expect(JSON.parse(written.stderr)).toMatchObject({ error: { code: 'INTERNAL' } })
    expect(output.fail('text')).toBe(1)
  })
})

test('talk goes to stderr, and nowhere with --quiet', () => {
  const loud = capture({ json: true })
  loud.output.talk('hello \u001b')
  expect(loud.written).toEqual({ stdout: '', stderr: 'hello \\x1b\n' })
  const quiet = capture({ quiet: true })
  quiet.output.talk('hello')
  expect(quiet.written.stderr).toBe('')
})

test('an error says what to do also where nothing more exact is known', () => {
  for (const code of ['INVALID', 'ABORTED', 'TIMEOUT'] as const) {
    expect(new NodeError(code, 'x').hint).toMatch(/\.$/)
    expect(new NodeError(code, 'x', { hint: 'exact' }).hint).toBe('exact')
  }
  expect(new CliError('USAGE', 'x').hint).toContain('--help')
})
