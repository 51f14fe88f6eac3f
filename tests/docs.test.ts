import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { parse } from '../cli/program.ts'
import { sottoWords } from './cli/shell-words.ts'

const README = await readFile('README.md', 'utf8')

test('README.md shows the echo bot that is type-checked', async () => {
  const source = await readFile('examples/echo-bot.ts', 'utf8')
  expect(README).toContain(source.slice(source.indexOf('import')).trimEnd())
})

test('every sotto command in README.md parses', () => {
  const blocks = [...README.matchAll(/```(?:sh|console)\n([\s\S]*?)```/g)].map(
    ([, body]) => body ?? '',
  )
  const lines = blocks
    .flatMap((block) => block.split('\n'))
    .map((line) => line.replace(/^\w+\$ /, '').replace(/ {2,}#.*$/, ''))
    .filter((line) => line.startsWith('sotto '))
  expect(lines.length).toBeGreaterThan(15)
  for (const line of lines) {
    expect(
      parse(sottoWords(line), () => undefined),
      line,
    ).toMatchObject({ kind: 'run' })
  }
})

test('the tests that SECURITY.md and README.md name are there', async () => {
  const named = [
    ...`${README}${await readFile('SECURITY.md', 'utf8')}`.matchAll(/vitest run ([^`|]+)/g),
  ]
  const paths = named.flatMap(([, words]) => (words ?? '').trim().split(' '))
  expect(paths.length).toBeGreaterThan(5)
  const { access } = await import('node:fs/promises')
  for (const path of paths) await expect(access(path)).resolves.toBeUndefined()
})
