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

/** What a join-ack says of who waits (SPEC.md §20.9). */
const PENDING = 0
/** A kind of operation (SPEC.md §19.1). */
const LEAVE = 4
const PROGRAM = 'tests/interop/second-group.mjs'

let root: string
let relay: string
let second: Second
/** Another one of it. */
let third: Second | undefined
/** What was said before it came. */
let before: string
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
  third?.kill()
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
  before = await alice.send('before it came')
  const { link } = await alice.run('group', 'invite', group)
  second = new Second(PROGRAM, String(link))
  await second.until(({ event }) => event === 'joined')
  const { id } = await second.send('hello from the second 👩🏽‍🚀 \r\n')
  await alice.told(id)
  const answer = await alice.send('שלום \u202e 🎉', '--wait', 'delivered')
  expect(await hears(answer)).toMatchObject({ text: 'שלום \u202e 🎉', from: 'Alice', closed: true })
  await second.delivered(id)
  expect(await alice.chat()).toMatchObject([
    { id: before },
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

test('what was lost on the way comes by asking, and nothing from before its time', async () => {
  const { id } = await second.send({ keep: 'nobody hears this at first' })
  await second.send('but it is missing')
  await sees(id, alice, bob)
  second.command({ ask: ['Alice', 1, 2] })
  const { reasons } = await second.until(({ event }) => event === 'page')
  const [, answer] = Object.keys(reasons ?? {}).toReversed()
  expect(reasons).toEqual({ [before]: 5, [String(answer)]: 0 })
  expect(second.texts.map(({ id }) => id)).not.toContain(before)
})

test('another one of it is let in, leaves, and reads nothing any more', async () => {
  const { link } = await alice.run('group', 'invite', group, '--approve')
  third = new Second(PROGRAM, String(link), 'Third')
  await third.until(({ event, state }) => event === 'answer' && state === PENDING)
  await alice.run('group', 'approve', group, 'Third')
  await third.until(({ event }) => event === 'joined')
  const { id } = await third.send('only passing')
  await sees(id, alice, bob)
  await hears(id)
  third.command({ leave: true })
  await third.until(({ event }) => event === 'out')
  await second.until(({ kinds }) => kinds?.includes(LEAVE) === true)
  const after = await second.send('the third is gone')
  await sees(after.id, alice, bob)
  expect(await readsAll(third)).not.toContain('the third is gone')
})

test('it shows the same in the same order', async () => {
  second.command({ drain: true })
  const { order } = await second.until(({ event }) => event === 'drained')
  expect(order).toEqual((await alice.chat()).map(({ id }) => id))
})

test('whom it removes reads nothing any more', async () => {
  second.command({ remove: 'Bob' })
  await bob.told('"state":"removed"')
  const { id } = await second.send('without Bob')
  await alice.told(id)
  expect(await bob.texts()).not.toContain('without Bob')
})

test('an operation that was lost on the way comes by asking', async () => {
  second.command({ keepName: 'nobody hears this name' })
  second.command({ rename: 'the two' })
  await alice.told('"name":"the two"')
})

test('once it is removed it reads nothing any more', async () => {
  await alice.run('group', 'remove', group, 'Second')
  await second.until(({ event }) => event === 'out')
  await alice.send('alone', '--wait', 'relayed')
  expect(await readsAll(second, 1)).not.toContain('alone')
  second.command('may I')
  await second.until(({ event }) => event === 'refused')
})

/** Its texts, once it read all mailboxes that it knows. */
async function readsAll(one: Second, skipped = 0): Promise<readonly (string | undefined)[]> {
  one.command({ drain: true })
  await one.until(({ event }) => event === 'drained', skipped)
  return one.texts.map(({ text }) => text)
}
