// What a person sees of a chat while they type.
import { createInterface, type Interface } from 'node:readline'
import { PassThrough, Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { Screen } from '../../cli/chat/screen.ts'
import { Output } from '../../cli/output.ts'
import { LittleTerminal } from './little-terminal.ts'

interface Seen {
  readonly terminal: LittleTerminal
  readonly lines: Interface
  readonly screen: Screen
  readonly type: (text: string) => void
}

function seen(columns: number): Seen {
  const terminal = new LittleTerminal(columns)
  const output = new Output({
    stdout: terminal,
    stderr: terminal,
    json: false,
    quiet: false,
    verbose: false,
    color: false,
  })
  const drawn = new Writable({
    write: (chunk, _encoding, done) => {
      terminal.write(String(chunk))
      done()
    },
  })
  const input = new PassThrough()
  const lines = createInterface({
    input,
    output: Object.assign(drawn, { columns }),
    prompt: '> ',
    terminal: true,
  })
  const screen = new Screen(output, lines)
  screen.prompt()
  // Through readline itself: a stream would hand it over later.
  return { terminal, lines, screen, type: (text) => lines.write(text) }
}

test('what comes while a text of several rows is being typed stands above it, whole', () => {
  const { terminal, lines, screen, type } = seen(20)
  type('a text that needs three rows of the screen')
  screen.show({}, [['first message']])
  screen.show({}, [['a second one, which is long itself']])
  screen.show({}, [['third message']])
  type(' now')
  expect(terminal.rows).toEqual([
    'first message',
    'a second one, which',
    'is long itself',
    'third message',
    '> a text that needs',
    'three rows of the sc',
    'reen now',
  ])
  lines.close()
})

test('the cursor may stand in the middle of what is typed', () => {
  const { terminal, lines, screen, type } = seen(20)
  type('a text that needs three rows of the screen')
  lines.write(null, { ctrl: true, name: 'a' })
  screen.show({}, [['first message']])
  type('X')
  expect(terminal.rows).toEqual([
    'first message',
    '> Xa text that needs',
    ' three rows of the s',
    'creen',
  ])
  lines.close()
})

test('whatever follows a chat begins on a row of its own', () => {
  const left = seen(20)
  left.type('half a text')
  left.lines.close()
  left.terminal.write('shell$')
  expect(left.terminal.rows).toEqual(['> half a text', 'shell$'])

  const quit = seen(20)
  quit.type('/quit\n')
  quit.lines.close()
  quit.terminal.write('shell$')
  expect(quit.terminal.rows).toEqual(['> /quit', 'shell$'])
})

test('after the end nothing is prompted for', () => {
  const { terminal, lines, screen } = seen(20)
  lines.close()
  screen.show({}, [['a mark']])
  expect(terminal.rows).toEqual(['>', 'a mark'])
})
