// The group part of a second implementation, written from SPEC.md alone, in a group of people who use
// the program: processes of their own on loopback, through a relay.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type Open,
  buildSotto,
  json,
  killAll,
  launchOpen,
  removeSotto,
  sotto,
  start,
} from '../cli/real-sotto.ts'
import { Second } from './second-process.ts'

const PROGRAM = 'tests/interop/second-group.mjs'

let root: string
let relay: string
let second: Second
/** '#' and the id of the group. */
let group: string

interface Shown {
  readonly id: string
  readonly text: string
  readonly from: { readonly name: string }
  readonly mine: boolean
  readonly open: boolean
}

/** Somebody who uses the program: a daemon, and a watch of what happens. */
class Person {
  readonly #dir: readonly string[]
  readonly #watch: Open

  private constructor(dir: readonly string[]) {
    this.#dir = dir
    this.#watch = launchOpen(['watch', '--since', '0', '--json', ...dir])
  }
  static async begin(name: string): Promise<Person> {
    const dir = ['--dir', join(root, name)]
    await json(['init', '--name', name, '--no-passphrase', '--relay', relay, ...dir])
    await start(['daemon', 'run', ...dir])
    return new Person(dir)
  }
  run(...words: readonly string[]): Promise<Record<string, unknown>> {
    return json([...words, ...this.#dir])
  }
  async send(text: string, ...flags: readonly string[]): Promise<string> {
    const { id } = await this.run('send', group, text, ...flags)
    return String(id)
  }
  /** Resolves once its program told this. */
  told(part: string): Promise<void> {
    return this.#watch.said(part)
  }
  async chat(): Promise<readonly Shown[]> {
    const words = ['read', group, '-n', '200', '--json', ...this.#dir]
    const { stdout } = await sotto(words)
    const lines = stdout.split('\n').filter((line) => line !== '')
    return lines.map((line) => JSON.parse(line) as Shown)
  }
  async texts(): Promise<readonly string[]> {
    return (await this.chat()).map(({ text }) => text)
  }
}

let alice: Person
let bob: Person
let carol: Person

beforeAll(async () => {
  await buildSotto()
  root = await mkdtemp(join(tmpdir(), 'sotto-group-interop-'))
  const running = await start(['relay', 'run', '--open', '--dir', join(root, 'relay')])
  relay = String(running.ready['address'])
  const begin = (name: string): Promise<Person> => Person.begin(name)
  ;[alice, bob, carol] = await Promise.all([begin('Alice'), begin('Bob'), begin('Carol')])
  const made = await alice.run('group', 'create', 'team')
  group = `#${(made['group'] as { id: string }).id}`
}, 120_000)

afterAll(async () => {
  second?.kill()
  killAll()
  await removeSotto()
  await rm(root, { recursive: true, force: true, maxRetries: 5 })
})

const sees = async (told: string, ...people: readonly Person[]): Promise<void> => {
  await Promise.all(people.map((person) => person.told(told)))
}
const hears = (id: string) => second.until((told) => told.event === 'text' && told.id === id)
const isGroupOf = (size: number) => (told: { readonly members?: object }) =>
  Object.keys(told.members ?? {}).length === size

test('it joins by a link, and both sides read each other and know that', async () => {
  const { link } = await alice.run('group', 'invite', group)
  second = new Second(PROGRAM, String(link))
  await second.until(({ event }) => event === 'joined')
  const { id } = await second.send('hello from the second 👩🏽‍🚀 \r\n')
  await alice.told(id)
  const answer = await alice.send('שלום \u202e 🎉', '--wait', 'delivered')
  expect(await hears(answer)).toMatchObject({ text: 'שלום \u202e 🎉', from: 'Alice', closed: true })
  await second.delivered(id)
  expect(await alice.chat()).toMatchObject([
    {
      id,
      text: 'hello from the second 👩🏽‍🚀 \r\n',
      from: { name: 'Second' },
      mine: false,
      open: false,
    },
    { id: answer, mine: true, state: 'delivered', open: false },
  ])
})

test('others come in by its epochs, and all read all', async () => {
  const { link } = await alice.run('group', 'invite', group, '--reusable')
  await Promise.all([bob, carol].map((person) => person.run('add', String(link))))
  await second.until(isGroupOf(4))
  await sees('"state":"joined"', bob, carol)
  const ids = await Promise.all([bob, carol].map((person, i) => person.send(`newcomer ${i}`)))
  for (const id of ids) await hears(id)
  const { id } = await second.send('welcome')
  await sees(id, alice, bob, carol)
  expect(second.told.filter(({ event }) => event === 'unread')).toEqual([])
})

test('after a removal it is on with the new epoch, and who was removed reads nothing', async () => {
  await alice.run('group', 'remove', group, 'carol')
  await second.until(isGroupOf(3))
  const after = await alice.send('without Carol')
  await hears(after)
  const { id } = await second.send('indeed')
  await sees(id, alice, bob)
  await carol.told('"state":"removed"')
  expect(await carol.texts()).not.toContain('indeed')
})

test('it takes the keys of somebody whom it never spoke with', async () => {
  await bob.run('group', 'rotate', group)
  await hears(await bob.send('by my own key'))
})

test('its own operations stand: a name, and keys for everybody', async () => {
  await alice.run('group', 'role', group, 'Second', 'admin')
  await second.until(
    (told) => Object.values(told.members ?? {}).filter((role) => role === 1).length === 1,
  )
  second.command({ rename: 'crew' })
  await sees('"name":"crew"', alice, bob)
  second.command({ rotate: true })
  const { id } = await second.send('by my own key, too')
  await sees(id, alice, bob)
})

test('it shows the same in the same order', async () => {
  second.command({ drain: true })
  const { order } = await second.until(({ event }) => event === 'drained')
  expect(order).toHaveLength(9)
  expect(order).toEqual((await alice.chat()).map(({ id }) => id))
})

test('once it is removed it reads nothing any more', async () => {
  await alice.run('group', 'remove', group, 'Second')
  await second.until(({ event }) => event === 'out')
  await bob.told(await alice.send('between us'))
  second.command({ drain: true })
  await second.until(({ event }) => event === 'drained', 1)
  expect(second.texts.map(({ text }) => text)).not.toContain('between us')
  second.command('may I')
  await second.until(({ event }) => event === 'refused')
  expect((await alice.texts()).slice(2)).toEqual(await bob.texts())
})
