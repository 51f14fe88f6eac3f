// Somebody whose device is lost restores the account from its 24 words, and is added again by an
// invite of the friend: the same contact, the same conversation.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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

let root: string

beforeAll(buildSotto)
afterAll(removeSotto)
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sotto-restored-'))
})
afterEach(async () => {
  killAll()
  await rm(root, { recursive: true, force: true, maxRetries: 5 })
})

interface Shown {
  readonly text: string
  readonly mine: boolean
  readonly chat: string
}

async function records(words: readonly string[]): Promise<readonly Record<string, unknown>[]> {
  const { stdout, stderr, exitCode } = await sotto([...words, '--json'])
  if (exitCode !== 0) throw new Error(`${words.join(' ')} ended with ${exitCode}: ${stderr}`)
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

const texts = async (who: string, dir: readonly string[]): Promise<readonly string[]> =>
  ((await records(['read', who, '-n', '50', ...dir])) as unknown as readonly Shown[]).map(
    ({ text, mine }) => `${mine ? 'me' : 'they'}: ${text}`,
  )

async function stop({ child, ended }: Started): Promise<void> {
  child.kill('SIGTERM')
  await ended
}

/** Alice and Bob, each with a daemon, and how Bob comes back on another device. */
async function aliceAndBob(path: 'direct' | 'relay') {
  const at = (name: string): readonly string[] => ['--dir', join(root, name)]
  const [alice, bob, again] = [at('alice'), at('bob'), at('bob-again')]
  const relays: string[] = []
  if (path === 'relay') {
    const relay = await start(['relay', 'run', '--open', '--dir', join(root, 'relay')])
    relays.push('--relay', String(relay.ready['address']))
  }
  const listen = path === 'relay' ? [] : ['--listen', `/ip4/127.0.0.1/tcp/${await freePort()}`]
  await json(['init', '--name', 'Alice', '--no-passphrase', ...relays, ...alice])
  const init = ['init', '--name', 'Bob', '--no-passphrase', ...relays]
  const made = await sotto([...init, '--json', ...bob])
  const { address } = JSON.parse(made.stdout) as { address: string }
  const phrase = /(?:\b[a-z]+\b\s+){23}\b[a-z]+\b/.exec(made.stderr)?.[0] ?? ''
  expect(phrase.split(/\s+/).length).toBe(24)
  // No terminal breaks one of them in two.
  expect(Math.max(...phrase.split('\n').map((row) => row.length))).toBeLessThan(40)
  await start(['daemon', 'run', ...listen, ...alice])
  const lost = await start(['daemon', 'run', ...bob])
  const restore = async (): Promise<void> => {
    const file = join(root, 'words')
    await writeFile(file, `${phrase}\n`)
    const restored = await json([...init, '--from-phrase-file', file, ...again])
    expect(restored['address']).toBe(address)
    await start(['daemon', 'run', ...again])
  }
  return { alice, bob, again, address, lost, restore }
}

it.each(['direct', 'relay'] as const)(
  'restored from the phrase and added again (%s): one contact, and the same chat both ways',
  { timeout: 90_000 },
  async (path) => {
    const { alice, bob, again, address, lost, restore } = await aliceAndBob(path)
    const first = await json(['invite', ...alice])
    await json(['add', String(first['link']), '--name', 'Alice', ...bob])
    await json(['send', 'Alice', 'before', '--wait', 'delivered', ...bob])
    await json(['send', 'Bob', 'hello Bob', '--wait', 'delivered', ...alice])
    await stop(lost)
    // Its folder is gone, and Alice does not know: what she writes now waits for the account.
    await json(['send', 'Bob', 'are you there?', ...alice])

    await restore()
    const second = await json(['invite', ...alice])
    await json(['add', String(second['link']), '--name', 'Alice', ...again])
    await json(['send', 'Alice', 'it is me again', '--wait', 'delivered', ...again])
    await json(['send', 'Bob', 'welcome back', '--wait', 'delivered', ...alice])

    const contacts = await records(['contact', 'list', ...alice])
    expect(contacts.length).toBe(1)
    expect(contacts[0]).toMatchObject({ name: 'Bob', address, state: 'ready' })
    // Who restores is told of, for it may be somebody else who has the words.
    const [shown] = await records(['contact', 'show', 'Bob', ...alice])
    expect(shown?.['warnings']).toMatchObject([{ code: 'DEVICES_CHANGED', chat: 'Bob' }])
    const { stdout } = await sotto(['status', ...alice])
    expect(stdout).toContain('DEVICES_CHANGED  Bob: A contact has other devices than before')
    expect(await texts('Bob', alice)).toEqual([
      'they: before',
      'me: hello Bob',
      'me: are you there?',
      'they: it is me again',
      'me: welcome back',
    ])
    // Of what was said before only what never arrived comes: it was addressed to the account.
    expect(await texts('Alice', again)).toEqual([
      'they: are you there?',
      'me: it is me again',
      'they: welcome back',
    ])
    const [other] = await records(['contact', 'list', ...again])
    expect(other).toMatchObject({ name: 'Alice', state: 'ready', missing: 0 })
  },
)

it(
  'restored from the phrase, and the old contact takes a link of it: the same, and what waited arrives',
  { timeout: 90_000 },
  async () => {
    const { alice, bob, again, lost, restore } = await aliceAndBob('relay')
    const first = await json(['invite', ...alice])
    await json(['add', String(first['link']), '--name', 'Alice', ...bob])
    await json(['send', 'Alice', 'before', '--wait', 'delivered', ...bob])
    await stop(lost)
    await json(['send', 'Bob', 'are you there?', ...alice])

    await restore()
    const link = String((await json(['invite', ...again]))['link'])
    // Given twice it does no more than once.
    for (let times = 0; times < 2; times += 1) {
      const { contact } = await json(['add', link, ...alice])
      expect(contact).toMatchObject({ name: 'Bob', state: 'ready' })
    }
    await json(['send', 'Bob', 'and now?', '--wait', 'delivered', ...alice])
    const seen = ['they: are you there?', 'they: and now?']
    expect(await texts('Alice', again)).toEqual(seen)
    await json(['send', 'Alice', 'yes', '--wait', 'delivered', ...again])
    expect(await texts('Bob', alice)).toEqual([
      'they: before',
      'me: are you there?',
      'me: and now?',
      'they: yes',
    ])
    await json(['add', link, ...alice])
    await json(['send', 'Bob', 'good', '--wait', 'delivered', ...alice])
    const contacts = await records(['contact', 'list', ...alice])
    expect(contacts).toMatchObject([{ name: 'Bob', state: 'ready', waiting: 0, missing: 0 }])
    expect(contacts[0]).not.toHaveProperty('problem')
  },
)

it(
  'restored from the phrase and added again: its group takes it back, with what was said there',
  { timeout: 300_000 },
  async () => {
    const { alice, bob, again, lost, restore } = await aliceAndBob('relay')
    await json(['group', 'create', 'team', ...alice])
    const link = String((await json(['group', 'invite', 'team', ...alice]))['link'])
    await json(['add', link, ...bob])
    const group = async (dir: readonly string[]): Promise<unknown> =>
      (await records(['group', 'list', ...dir])).map(({ state, missing }) => ({ state, missing }))
    const joined = [{ state: 'joined', missing: 0 }]
    await expect.poll(() => group(bob), { timeout: 30_000 }).toEqual(joined)
    await json(['send', '#team', 'mine from before', ...bob])
    await expect.poll(() => texts('#team', alice), { timeout: 30_000 }).toHaveLength(1)
    await json(['send', '#team', 'hers from before', ...alice])
    await expect.poll(() => texts('#team', bob), { timeout: 30_000 }).toHaveLength(2)
    await stop(lost)

    await restore()
    const invite = await json(['invite', ...alice])
    await json(['add', String(invite['link']), '--name', 'Alice', ...again])
    // Another's new device is told to a group after a minute.
    await expect.poll(() => group(again), { timeout: 150_000, interval: 1_000 }).toEqual(joined)
    await expect.poll(() => texts('#team', again), { timeout: 60_000 }).toHaveLength(2)
    await json(['send', '#team', 'it is me again', ...again])
    const said = ['they: mine from before', 'me: hers from before', 'they: it is me again']
    await expect.poll(() => texts('#team', alice), { timeout: 30_000 }).toEqual(said)
    const own = ['me: mine from before', 'they: hers from before', 'me: it is me again']
    await expect.poll(() => texts('#team', again), { timeout: 60_000 }).toEqual(own)
  },
)
