import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { SCRIPTING } from '../../cli/help-scripting.ts'
import { group as groupSpec } from '../../cli/tree/groups.ts'
import type { Group } from '../../node/api-groups.ts'
import { type NodeServer, serveNode, socketPath, writeRunFile } from '../../node/rpc/index.ts'
import { ALICE, BOB, CAROL, FakeNode, GROUP_LINK } from '../support/fake-node.ts'
import { type PlayOptions, type Played, play, records } from './fake-invocation.ts'
import { sottoWords } from './shell-words.ts'

let dir: string
let fake: FakeNode
let server: NodeServer

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sotto-cli-'))
  fake = new FakeNode()
  const path = await socketPath(dir)
  server = await serveNode(fake, path, {
    lasting: true,
    addresses: () => fake.addresses(),
    stop: () => undefined,
  })
  await writeRunFile(dir, path)
})

afterEach(async () => {
  await server.close()
  await rm(dir, { recursive: true })
})

function sotto(words: readonly string[], options?: PlayOptions): Promise<Played> {
  return play([...words, '--dir', dir], options)
}

describe('group', () => {
  test('create gives {group}, and says how to let people in', async () => {
    const { stdout, stderr } = await sotto(['group', 'create', 'team', '--approve'])
    expect(stdout).toBe('Made #team.\n')
    expect(stderr).toContain(' group invite team')
    expect(fake.circles[0]?.settings).toEqual({ approval: true, membersAdd: false })
    const json = await sotto(['group', 'create', 'other', '--json'])
    const group = { id: fake.circles[1]?.id, name: 'other', state: 'joined', role: 'owner' }
    expect(records(json.stdout)).toEqual([{ v: 1, group }])
  })

  test('show gives members, epoch and who waits', async () => {
    const group = fake.form('team')
    fake.circles[0] = { ...group, pending: [{ name: 'da\nve', address: 'd'.repeat(56), at: 1 }] }
    const [shown] = records((await sotto(['group', 'show', '#team', '--json'])).stdout)
    expect(shown).toMatchObject({
      v: 1,
      group: { id: group.id, name: 'team', state: 'joined', role: 'owner' },
      members: [
        { name: 'alice', address: ALICE, role: 'owner' },
        { name: 'bob', address: BOB, role: 'admin' },
        { name: 'carol', address: CAROL, role: 'member' },
      ],
      epoch: '0123456789abcdef',
      pending: [{ name: 'da\nve' }],
    })
    const human = await sotto(['group', 'show', 'team'])
    expect(human.stdout).toContain('alice (you)  owner')
    expect(human.stdout).toContain('da\\nve asks to join')
  })

  test('list is a table of one line each', async () => {
    fake.form('team')
    fake.form('old\u001b[2J', 'left')
    const { stdout } = await sotto(['group', 'list'])
    const lines = stdout.trimEnd().split('\n')
    expect(lines).toHaveLength(3)
    expect(lines[1]).toMatch(/^#team +joined +owner +3 /)
    expect(stdout).not.toContain('\u001b')
  })

  test.each([
    [['add', 'team', 'bob'], 'bob is in #team.'],
    [['approve', 'team', 'dave'], 'dave is in #team.'],
    [['reject', 'team', 'dave'], 'dave was not let into #team.'],
    [['remove', 'team', 'carol'], 'carol is out of #team; new keys are on their way.'],
    [['role', 'team', 'bob', 'owner'], 'bob is owner in #team.'],
    [['rename', 'team', 'crew'], 'Now called #crew.'],
    [['leave', 'team'], 'You left #team.'],
    [['rotate', 'team'], 'New keys for #team are on their way.'],
  ])('%j', async (words, sentence) => {
    fake.form('team')
    expect(await sotto(['group', ...words])).toEqual({
      stdout: `${sentence}\n`,
      stderr: '',
      exitCode: 0,
    })
  })

  test('a role that there is not is refused before anything is asked', async () => {
    fake.form('team')
    const { stderr, exitCode } = await sotto(['group', 'role', 'team', 'bob', 'king'])
    expect(exitCode).toBe(2)
    expect(stderr).toContain("'king' is none of member, admin, owner")
  })

  test('an unknown group is an error with a code', async () => {
    const { stdout, stderr, exitCode } = await sotto(['group', 'show', 'nope', '--json'])
    expect([stdout, exitCode]).toEqual(['', 1])
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'UNKNOWN_GROUP' } })
  })

  test('invite gives a link', async () => {
    fake.form('team')
    const words = ['group', 'invite', 'team', '--reusable', '--expires', '1h', '--json']
    const [made] = records((await sotto(words)).stdout)
    expect(made).toMatchObject({ v: 1, link: fake.made[0]?.link, reusable: true })
  })
})

describe('help', () => {
  const specs = [groupSpec, ...(groupSpec.commands ?? [])]
  const examples = specs.flatMap((spec) => spec.examples)

  test.each(examples)('the example %j works', async (example) => {
    fake.form('team')
    const { exitCode, stdout } = await sotto(sottoWords(example))
    expect([exitCode, stdout === '']).toEqual([0, false])
  })

  test('documents what list and show print, field by field', async () => {
    fake.form('team')
    const words = SCRIPTING.match(/\w+/g) ?? []
    for (const command of [['list'], ['show', 'team']]) {
      const [shown = {}] = records((await sotto(['group', ...command, '--json'])).stdout)
      for (const field of Object.keys(shown)) expect(words).toContain(field)
    }
    const [status = {}] = records((await sotto(['status', '--json'])).stdout)
    expect(status).toMatchObject({ groups: 1 })
  })
})

describe('watch and chat', () => {
  test('say what changed in a group, each change once', async () => {
    const group = fake.form('team')
    const stop = new AbortController()
    const [alice, bob, carol] = group.members
    if (alice === undefined || bob === undefined || carol === undefined) throw new Error('no group')
    const mallory = {
      name: 'mal\u001blory',
      address: 'm'.repeat(56),
      role: 'member',
      you: false,
    } as const
    const heard = (text: string): void => {
      if (text.includes('you were removed')) stop.abort()
    }
    const watching = sotto(['watch'], { heard, signal: stop.signal })
    await vi.waitFor(() => expect(fake.followers).toBe(1))
    const states: Partial<Group>[] = [
      { epoch: 'another' },
      { members: [alice, { ...bob, role: 'owner' }, carol] },
      { members: [alice, { ...bob, role: 'owner' }, carol, mallory] },
      { members: [alice, { ...bob, role: 'owner' }, mallory] },
      { name: 'crew' },
      { pending: [{ name: 'dave', address: 'd'.repeat(56), at: 1 }] },
      { members: [{ ...bob, role: 'owner' }, mallory], state: 'removed' },
    ]
    let now = group
    for (const state of states) {
      now = { ...now, ...state }
      fake.emit({ event: 'group', group: now })
    }
    const lines = (await watching).stdout.trimEnd().split('\n')
    expect(lines.map((line) => line.replace(/^.*? #/, '#'))).toEqual([
      '#team: bob is now an owner',
      '#team: mal\\x1blory is in',
      '#team: carol is out',
      '#team: now called #crew',
      '#crew: dave asks to join',
      '#crew: you were removed; what was said before stays readable',
    ])
  })

  test('a gap in a group names the group', async () => {
    const group = fake.form('team')
    const from = { name: 'bob', address: BOB }
    fake.emit({
      event: 'gap',
      chat: '#team',
      group: group.id,
      from,
      first: 3,
      last: 4,
      missing: true,
    })
    const stop = new AbortController()
    const heard = (): void => stop.abort()
    const { stdout } = await sotto(['watch', '--since', '0'], { heard, signal: stop.signal })
    expect(stdout).toContain('2 messages from bob in #team are missing')
  })
})

describe('add with the link of a group', () => {
  test('joins, and gives {group}', async () => {
    const { stdout, stderr } = await sotto(['add', GROUP_LINK, '--json'])
    expect(records(stdout)).toEqual([
      { v: 1, group: { id: fake.circles[0]?.id, name: 'joined', state: 'joined', role: 'owner' } },
    ])
    expect(stderr).toContain(" send '#joined'")
  })

  test('says so where it was turned down', async () => {
    fake.joinState = 'refused'
    const { stdout, stderr, exitCode } = await sotto(['add', GROUP_LINK, '--json'])
    expect([stdout, exitCode]).toEqual(['', 1])
    expect(stderr).toContain('INVITE_INVALID')
  })

  test.each(['INVITE_USED', 'INVITE_EXPIRED', 'GROUP_FULL', 'ALREADY_MEMBER'])(
    'says why it was turned down: %s',
    async (problem) => {
      fake.joinState = 'refused'
      fake.joinProblem = problem
      const { stderr, exitCode } = await sotto(['add', GROUP_LINK, '--json'])
      expect(exitCode).toBe(1)
      const { error } = JSON.parse(stderr) as { error: { code: string; message: string } }
      expect(error.code).toBe(problem)
      expect(error.message).not.toContain(problem)
    },
  )

  test('says that it waits where nobody answered yet', async () => {
    fake.joinState = 'joining'
    const { stdout, stderr, exitCode } = await sotto(['add', GROUP_LINK])
    expect([stdout, exitCode]).toEqual(['Asked to join.\n', 0])
    expect(stderr).toContain('Waiting for their answer.')
  })
})

describe('messages of a group', () => {
  test('are sent, read and marked by #name', async () => {
    const group = fake.form('team')
    const sent = await sotto(['send', '#team', 'hello', 'all', '--json'])
    expect(records(sent.stdout)).toEqual([{ v: 1, id: fake.log[0]?.id, state: 'queued' }])
    fake.say(group, 'hi alice', false)
    fake.put('bob', 'only to you', false)
    const { stdout } = await sotto(['read', '#team', '--mark', '--json'])
    expect(records(stdout)).toMatchObject([
      { chat: '#team', group: group.id, text: 'hello all', mine: true },
      { chat: '#team', group: group.id, text: 'hi alice', from: { address: BOB } },
    ])
    expect([...fake.read]).toEqual([['#team', 2]])
  })

  test('name the group among messages of all chats', async () => {
    const group = fake.form('team')
    fake.say(group, 'hi', false)
    fake.say(group, 'hello', true)
    fake.put('bob', 'alone', false)
    const lines = (await sotto(['read'])).stdout.trimEnd().split('\n')
    expect(lines[0]).toContain('bob in #team  hi')
    expect(lines[1]).toContain('you -> #team  hello')
    expect(lines[2]).toMatch(/ bob {2}alone$/)
  })

  test('are followed without those of the same person elsewhere', async () => {
    const group = fake.form('team')
    const stop = new AbortController()
    fake.say(group, 'before', false)
    let lines = 0
    const heard = (text: string): void => {
      lines += text.split('\n').length - 1
      if (lines === 1) {
        fake.put('bob', 'between us', false)
        fake.say(group, 'after', false)
      }
      if (lines === 2) stop.abort()
    }
    const words = ['read', '#team', '--follow', '--json']
    const { stdout } = await sotto(words, { heard, signal: stop.signal })
    expect(records(stdout).map(({ text }) => text)).toEqual(['before', 'after'])
  })

  test('events of groups are shown', async () => {
    const group = fake.form('te\nam')
    fake.emit({ event: 'group', group })
    const stop = new AbortController()
    const heard = (): void => stop.abort()
    const { stdout } = await sotto(['watch', '--since', '0'], { heard, signal: stop.signal })
    expect(stdout).toContain('#te\\nam: joined, 3 members')
  })
})
