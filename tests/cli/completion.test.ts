import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { TREE } from '../../cli/tree/index.ts'
import { play } from './fake-invocation.ts'

async function script(shell: string): Promise<string> {
  const { stdout, exitCode } = await play(['completion', shell])
  expect(exitCode).toBe(0)
  return stdout
}

function complete(source: string, words: readonly string[]): readonly string[] {
  const quoted = words.map((word) => `'${word}'`).join(' ')
  const program = `${source}\nCOMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _sotto; printf '%s\\n' "\${COMPREPLY[@]}"`
  const answer = execFileSync('bash', ['-c', program], { encoding: 'utf8' })
  return answer.split('\n').filter((word) => word !== '')
}

test('bash completes commands, their parts, and flags', async () => {
  const source = await script('bash')
  expect(complete(source, ['sotto', ''])).toEqual(
    expect.arrayContaining(TREE.map(({ name }) => name)),
  )
  expect(complete(source, ['sotto', 'rea'])).toEqual(['read'])
  expect(complete(source, ['sotto', 'contact', 're'])).toEqual(['rename', 'remove'])
  expect(complete(source, ['sotto', 'send', 'bob', '--wa'])).toEqual(['--wait'])
  expect(complete(source, ['sotto', 'relay', 'run', '--max'])).toEqual(['--max-disk'])
})

test('zsh and fish have every command', async () => {
  const fish = await script('fish')
  const zsh = await script('zsh')
  expect(zsh.startsWith('#compdef sotto\n')).toBe(true)
  for (const { name } of TREE) {
    expect(fish).toContain(`-a ${name} `)
    expect(zsh).toContain(`'${name}')`)
  }
})

test('another shell is told which there are', async () => {
  expect(await play(['completion', 'tcsh'])).toMatchObject({ exitCode: 2, stdout: '' })
})
