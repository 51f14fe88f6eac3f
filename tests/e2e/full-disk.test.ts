// A disk that is really full: a file system of a few MiB in memory, for a receiver and for a relay.
// Where this user may not mount one the tests are skipped; the simulator has the same story.
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import {
  type Started,
  buildSotto,
  json,
  killAll,
  removeSotto,
  sotto,
  start,
} from '../cli/real-sotto.ts'
import { freePort } from './child.ts'

const SIZE = '12m'
const MESSAGES = 6
/** A relay that said it is full is asked again after a minute. */
const PATIENCE_MS = 110_000

function mount(path: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'tmpfs', path], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

async function mayMount(): Promise<boolean> {
  const probe = await mkdtemp(join(tmpdir(), 'sotto-mount-'))
  const may = mount(probe)
  if (may) execFileSync('umount', [probe])
  await rm(probe, { recursive: true })
  return may
}

const skipped = !(await mayMount())
let root: string
let small: string

beforeAll(buildSotto)
afterAll(removeSotto)
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sotto-full-'))
  small = join(root, 'small')
  await mkdir(small)
  if (!skipped) mount(small)
})
afterEach(async () => {
  killAll()
  // Lazily: what was killed may have its files open for a moment yet.
  if (!skipped) execFileSync('umount', ['-l', small])
  await rm(root, { recursive: true, force: true, maxRetries: 5 })
})

/** Writes until there is no byte left. */
async function fill(): Promise<void> {
  const file = await open(join(small, 'ballast'), 'w')
  try {
    for (const size of [65_536, 4_096, 512, 1]) {
      try {
        for (;;) await file.write(new Uint8Array(size))
      } catch (error) {
        expect(error).toMatchObject({ code: 'ENOSPC' })
      }
    }
  } finally {
    await file.close()
  }
}

const makeRoom = (): Promise<void> => rm(join(small, 'ballast'))

async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const endMs = Date.now() + PATIENCE_MS
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (Date.now() > endMs) throw new Error(`not within ${PATIENCE_MS} ms: ${what}`)
    await sleep(200)
  }
}

const text = (i: number): string => `message ${i} ${'x'.repeat(3_000)}`

async function sendAll(dir: readonly string[]): Promise<readonly string[]> {
  const ids: string[] = []
  for (let i = 1; i <= MESSAGES; i += 1) {
    ids.push(String((await json(['send', 'Bob', text(i), ...dir]))['id']))
  }
  return ids
}

async function textsOf(dir: readonly string[]): Promise<readonly string[]> {
  const { stdout } = await sotto(['read', 'Alice', '-n', '100', '--json', ...dir])
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly text: string; readonly mine: boolean })
    .filter(({ mine }) => !mine)
    .map((message) => message.text)
}

const EXPECTED = Array.from({ length: MESSAGES }, (_, i) => text(i + 1))

async function people(options: {
  readonly bob: string
  readonly relays: readonly string[]
  readonly listen: readonly string[]
}) {
  const alice = ['--dir', join(root, 'alice')]
  const bob = ['--dir', options.bob]
  await json(['init', '--name', 'Alice', '--no-passphrase', ...options.relays, ...alice])
  await json(['init', '--name', 'Bob', '--no-passphrase', ...options.relays, ...bob])
  const daemons = [
    await start(['daemon', 'run', ...alice]),
    await start(['daemon', 'run', ...options.listen, ...bob]),
  ]
  const { link } = await json(['invite', ...bob])
  await json(['add', String(link), '--name', 'Bob', ...alice])
  await json(['send', 'Bob', 'before', '--wait', 'delivered', ...alice])
  return { alice, bob, daemons }
}

it.skipIf(skipped)(
  'a receiver: acknowledges nothing, says why, and takes everything when there is room again',
  { timeout: 160_000 },
  async () => {
    const listen = ['--listen', `/ip4/127.0.0.1/tcp/${await freePort()}`]
    const { alice, bob, daemons } = await people({ bob: join(small, 'bob'), relays: [], listen })
    await fill()
    const ids = await sendAll(alice)
    const status = await until('bob is read-only', async () => {
      const found = await json(['status', ...bob])
      return found['readOnly'] === true ? found : undefined
    })
    expect(JSON.stringify(status['warnings'])).toContain('no space left')
    const refused = await sotto(['send', 'Alice', 'not now', ...bob])
    expect(refused.exitCode).not.toBe(0)
    expect(refused.stderr).toMatch(/no space left/)
    // The history can be read, and what was not taken is not called delivered.
    const had = await textsOf(bob)
    expect(had[0]).toBe('before')
    for (const [i, id] of ids.entries()) {
      const { state } = await json(['why', id, ...alice])
      if (!had.includes(text(i + 1))) expect([i, state]).toEqual([i, 'queued'])
    }
    await makeRoom()
    for (const id of ids) {
      await until(`${id} is delivered`, async () => {
        const { state } = await json(['why', id, ...alice])
        return state === 'delivered' ? true : undefined
      })
    }
    expect(await textsOf(bob)).toEqual(['before', ...EXPECTED])
    expect((await json(['status', ...bob]))['readOnly']).toBe(false)
    await json(['send', 'Alice', 'now', '--wait', 'delivered', ...bob])
    // Its log says it once, however often it was tried.
    daemons[1]?.child.kill('SIGTERM')
    const said = (await daemons[1]?.ended)?.stderr ?? ''
    expect(said.match(/read-only: no space left/g)).toHaveLength(1)
    expect(said.match(/can be written again/g)).toHaveLength(1)
  },
)

it.skipIf(skipped)(
  'a relay: signs for nothing, its users are told why, and all goes on when there is room again',
  { timeout: 160_000 },
  async () => {
    const relay: Started = await start(['relay', 'run', '--open', '--dir', join(small, 'relay')])
    const relays = ['--relay', String(relay.ready['address'])]
    const { alice, bob } = await people({ bob: join(root, 'bob'), relays, listen: [] })
    await fill()
    const ids = await sendAll(alice)
    await until('a sender is told that the relay has no room', async () => {
      for (const id of ids) {
        const why = await json(['why', id, ...alice])
        const told = /relay/.test(JSON.stringify(why['missing']))
        if (why['state'] === 'queued' && told) return id
      }
      return undefined
    })
    await makeRoom()
    for (const id of ids) {
      await until(`${id} is delivered`, async () => {
        const { state } = await json(['why', id, ...alice])
        return state === 'delivered' ? true : undefined
      })
    }
    expect(await textsOf(bob)).toEqual(['before', ...EXPECTED])
  },
)
