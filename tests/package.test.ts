// What an embedder gets: the examples compile against dist as it is published, under the strictest
// rules and with every declaration checked; every type of the interface is exported.
import { execFile, execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
let dir: string

beforeAll(async () => {
  execFileSync(process.execPath, ['scripts/build.mjs', '--if-stale'], { cwd: root })
  dir = await mkdtemp(join(tmpdir(), 'sotto-embedder-'))
  await mkdir(join(dir, 'node_modules'))
  await symlink(root, join(dir, 'node_modules/sotto'))
  await writeFile(join(dir, 'package.json'), '{ "type": "module" }')
})
afterAll(() => rm(dir, { recursive: true, force: true }))

/** What the compiler says to a program of an embedder who has these packages of types. */
async function compile(source: string, types: readonly string[]): Promise<string> {
  await writeFile(join(dir, 'program.ts'), source)
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  const rules = '--strict --noUncheckedIndexedAccess --module nodenext --noEmit --pretty false'
  const where = ['--typeRoots', join(root, 'node_modules/@types'), '--preserveSymlinks']
  const args = [compiler, ...rules.split(' '), ...where, '--types', types.join(), 'program.ts']
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: dir }, (_error, stdout) => resolve(stdout))
  })
}

test('the echo bot compiles with the types of Node.js', async () => {
  expect(await compile(await readFile(join(root, 'examples/echo-bot.ts'), 'utf8'), ['node'])).toBe(
    '',
  )
})

test('a program that needs no types of Node.js compiles without them', async () => {
  const program = `import { type Contact, NodeError, connect, createBot, createNode } from 'sotto'
    await using node = await createNode({ dir: 'alice' })
    const [first]: readonly Contact[] = await node.contacts.list()
    const bot: { close(): Promise<void> } = await createBot({ dir: 'bot', name: 'Bot' })
    await bot.close()
    const remote = await connect({ socket: 'socket' }).catch((error: unknown) => {
      if (error instanceof NodeError) throw new Error(error.code + error.hint)
      throw error
    })
    await remote.chats.send(first?.name ?? '', 'hello')`
  expect(await compile(program, [])).toBe('')
  // It can fail.
  expect(await compile(program.replace("dir: 'alice'", "folder: 'alice'"), [])).toContain('folder')
})

test('every type of the interface is exported', async () => {
  const names: string[] = []
  for (const path of ['node/api.ts', 'node/api-groups.ts']) {
    const source = await readFile(join(root, path), 'utf8')
    for (const [, name] of source.matchAll(/^export (?:interface|type) (\w+)/gm)) {
      names.push(name ?? '')
    }
  }
  expect(names.length).toBeGreaterThan(25)
  const program = `import type { ${names.join(', ')} } from 'sotto'`
  expect(await compile(program, [])).toBe('')
})
