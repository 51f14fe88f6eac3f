// The folder of a profile copied, and both started: the copy is refused before it uses a key, both
// sides are told, and whoever talks to the original notices nothing.
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { buildSotto, json, killAll, removeSotto, sotto, start } from '../cli/real-sotto.ts'

const NOT_READY = 3
const PATIENCE_MS = 15_000

let root: string
let alice: string[]
let bob: string[]
let copy: string[]

beforeAll(buildSotto)
afterAll(removeSotto)
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sotto-copied-'))
  alice = ['--dir', join(root, 'alice')]
  bob = ['--dir', join(root, 'bob')]
  copy = ['--dir', join(root, 'copy of alice')]
  const relay = await start(['relay', 'run', '--open', '--dir', join(root, 'relay')])
  const address = String(relay.ready['address'])
  await json(['init', '--name', 'Alice', '--no-passphrase', '--relay', address, ...alice])
  await json(['init', '--name', 'Bob', '--no-passphrase', '--relay', address, ...bob])
  await start(['daemon', 'run', ...bob])
})
afterEach(async () => {
  killAll()
  await rm(root, { recursive: true, force: true, maxRetries: 5 })
})

/** As `cp -r` does it; what is no plain file has no copy. */
const copyFolder = (): Promise<void> =>
  cp(join(root, 'alice'), join(root, 'copy of alice'), {
    recursive: true,
    filter: (path) => !path.endsWith('.sock'),
  })

async function meet(): Promise<void> {
  const { link } = await json(['invite', ...alice])
  await json(['add', String(link), '--name', 'Alice', ...bob])
  await json(['send', 'Alice', 'hello', '--wait', 'delivered', ...bob])
}

/** Waits until the original's status tells of the copy. */
async function untilTold(): Promise<string> {
  const endMs = Date.now() + PATIENCE_MS
  for (;;) {
    const { recent } = await json(['status', ...alice])
    const [found] = recent as readonly { readonly code: string; readonly text: string }[]
    if (found !== undefined) return `${found.code} ${found.text}`
    if (Date.now() > endMs) throw new Error('the original was not told')
    await sleep(100)
  }
}

it('both running: the copy says what it is and ends, the original is told, the contact is not', async () => {
  const original = await start(['daemon', 'run', ...alice])
  let said = ''
  original.child.stderr?.on('data', (text: string) => (said += text))
  await meet()
  await copyFolder()
  for (const words of [['daemon', 'run'], ['send', 'Bob', 'from the copy'], ['read']]) {
    const { exitCode, stderr, stdout } = await sotto([...words, ...copy])
    expect([exitCode, stdout]).toEqual([NOT_READY, ''])
    expect(stderr).toContain('is a copy of another profile')
    expect(stderr).toContain(join(root, 'alice'))
  }
  expect(await untilTold()).toContain(`PROFILE_COPIED A copy of this profile in ${copy[1]}`)
  expect(said).toContain('PROFILE_COPIED: A copy of this profile')
  await json(['send', 'Bob', 'from the original', '--wait', 'delivered', ...alice])
  await json(['send', 'Alice', 'and back', '--wait', 'delivered', ...bob])
  const { stdout } = await sotto(['read', 'Alice', '--json', ...bob])
  const texts = stdout
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { readonly text: string }).text)
  expect(texts).toEqual(['hello', 'from the original', 'and back'])
  const { recent, contacts } = await json(['status', ...bob])
  expect([contacts, recent]).toEqual([1, []])
})

it('the copy first: it is refused all the same, and the original hears of it when it starts', async () => {
  const before = await start(['daemon', 'run', ...alice])
  await meet()
  before.child.kill('SIGTERM')
  await before.ended
  await copyFolder()
  const refused = await sotto(['daemon', 'run', ...copy])
  expect(refused.exitCode).toBe(NOT_READY)
  await start(['daemon', 'run', ...alice])
  expect(await untilTold()).toContain(copy[1])
})
