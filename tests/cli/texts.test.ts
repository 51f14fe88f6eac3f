// What a chat takes for one text.
import { createInterface } from 'node:readline'
import { PassThrough, Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { typedTexts } from '../../cli/chat/texts.ts'

const START = '\u001B[200~'
const END = '\u001B[201~'

async function textsOf(typed: string, terminal = true): Promise<readonly unknown[]> {
  const input = new PassThrough()
  const output = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input, output, terminal })
  const found: unknown[] = []
  const keys = terminal ? input : undefined
  const texts = typedTexts({ lines, keys, pasted: (count) => found.push(count) })
  input.end(typed)
  for await (const text of texts) found.push(text)
  return found
}

test.each([
  ['lines are texts', 'one\ntwo\n', ['one', 'two']],
  [
    'what is pasted is one text',
    `${START}one\r\ntwo\nthree${END} and\nfour\n`,
    [3, 'one\ntwo\nthree and', 'four'],
  ],
  [
    'a paste that ends with a newline waits for Enter',
    `${START}one\ntwo\n${END}\n`,
    [2, 'one\ntwo'],
  ],
  ['two pastes may be one text', `${START}a\nb${END}${START}c\n${END}d\n`, [2, 2, 'a\nbc\nd']],
  ['a paste of one line is a line', `${START}one${END} more\n`, ['one more']],
  ['Enter alone is an empty text', '\nx\n', ['', 'x']],
])('%s', async (_name, typed, texts) => {
  expect(await textsOf(typed)).toEqual(texts)
})

test('without a terminal each line is a text, the last one also without its newline', async () => {
  expect(await textsOf('one\ntwo', false)).toEqual(['one', 'two'])
})
