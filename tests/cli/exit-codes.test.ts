import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { EXIT, EXIT_MEANINGS, exitCodeOf } from '../../cli/exit-codes.ts'

test.each([
  ['UNKNOWN_CONTACT', 1],
  ['AMBIGUOUS_CONTACT', 1],
  ['TOO_LARGE', 1],
  ['EMPTY_TEXT', 1],
  ['INVITE_USED', 1],
  ['DISK_FULL', 1],
  ['USAGE', 2],
  ['INVALID', 2],
  ['NOT_INITIALISED', 3],
  ['WRONG_PASSPHRASE', 3],
  ['PASSPHRASE_NEEDED', 3],
  ['KEY_CHANGED', 4],
  ['RELAY_UNREACHABLE', 5],
  ['UNREACHABLE', 5],
  ['TIMEOUT', 6],
  ['LOCKED', 7],
  ['NODE_RUNNING', 7],
  ['CLOSED', 7],
  ['ABORTED', 130],
])('%s ends with %i', (code, exitCode) => {
  expect(exitCodeOf(code)).toBe(exitCode)
})

test('a code of a later version, and a name of every object, is a plain failure', () => {
  for (const code of ['FROM_THE_FUTURE', '', 'constructor', '__proto__', 'toString']) {
    expect(exitCodeOf(code)).toBe(1)
  }
})

test('every code of the node has an exit status of its own choosing', async () => {
  const source = await readFile('node/errors.ts', 'utf8')
  const table = await readFile('cli/exit-codes.ts', 'utf8')
  const codes = [...source.matchAll(/\| '([A-Z_]+)'/g)].map((match) => match[1] ?? '')
  expect(codes.length).toBeGreaterThan(30)
  for (const code of codes) expect(table).toContain(`  ${code}: EXIT.`)
})

test('every exit status has a meaning, and none of them two', () => {
  const meanings = EXIT_MEANINGS.map(([code]) => code)
  expect([...meanings].sort((a, b) => a - b)).toEqual(Object.values(EXIT).sort((a, b) => a - b))
  expect(new Set(meanings).size).toBe(meanings.length)
})
