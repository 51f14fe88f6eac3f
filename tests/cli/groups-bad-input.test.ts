// Bad input about groups, as a user types it: every one of them is a clear error that says what to do,
// and changes nothing.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type TestNetwork, type TestRelay, createTestNetwork } from '../../node/test-network.ts'
import { groupIs, messageIn } from '../node/groups/wait.ts'
import { User } from './served-nodes.ts'

let network: TestNetwork
let relays: TestRelay[]
let alice: User
let bob: User
let carol: User

beforeEach(async () => {
  network = createTestNetwork()
  relays = [await network.relay()]
  alice = await userNamed('alice')
  bob = await userNamed('bob')
  carol = await userNamed('carol')
})

afterEach(async () => {
  for (const user of [alice, bob, carol]) await user.close()
  await network.close()
})

async function userNamed(name: string): Promise<User> {
  return User.of(await network.node(name, { relays, listens: false }))
}

async function joins(user: User, link: string): Promise<void> {
  expect((await user.type(['add', link])).exitCode).toBe(0)
  await groupIs(user.node, (one) => one.state === 'joined')
}

/** #team of Alice, who owns it, and Bob and Carol, who joined by one link. */
async function team(): Promise<void> {
  await alice.json('group', 'create', 'team')
  const link = await alice.link('team', '--reusable')
  await joins(bob, link)
  await joins(carol, link)
  for (const { node } of [alice, bob, carol]) await groupIs(node, (one) => one.members.length === 3)
}

async function members(user: User): Promise<string> {
  const [group] = await user.json('group', 'show', 'team')
  return JSON.stringify(group?.['members'])
}

describe('a link', () => {
  test('that was used, is damaged, of another kind or of one’s own', async () => {
    await alice.json('group', 'create', 'team')
    const once = await alice.link('team')
    await joins(bob, once)
    const used = await carol.fails(['add', once], 'INVITE_USED')
    expect(used).toContain(' group leave group')
    expect(await bob.fails(['add', once], 'ALREADY_MEMBER')).toContain('#team')
    await carol.fails(['add', `${once.slice(0, -4)}aaaa`], 'INVITE_INVALID')
    await carol.fails(['add', once.slice(0, 60)], 'INVITE_INVALID')
    await carol.fails(['add', `sotto:${'a'.repeat(10_000)}`], 'INVITE_INVALID')
    await carol.fails(['add', '\u001b[2Jlink'], 'INVITE_INVALID')
    expect(await alice.fails(['add', once], 'INVITE_INVALID')).toContain('somebody else')
    const [contactLink] = await alice.json('invite')
    await carol.json('add', String(contactLink?.['link']))
    expect(await carol.node.groups.list()).toHaveLength(1)
  })

  test('that has expired, or would never have lived', async () => {
    await alice.json('group', 'create', 'team')
    const words = ['group', 'invite', 'team', '--expires']
    await alice.fails([...words, '10ms'], 'INVALID', 2)
    await alice.fails([...words, '500d'], 'INVALID', 2)
    const [made] = await alice.json(...words, '1s')
    const over = Number(made?.['expiresAt']) + 1_000
    await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(over), { timeout: 10_000 })
    await carol.fails(['add', String(made?.['link'])], 'INVITE_EXPIRED')
    expect(await carol.node.groups.list()).toEqual([])
  })

  test('of a group that one is in by another: it says so, and lists nothing', async () => {
    await team()
    const other = await alice.link('team')
    const words = ['add', other]
    expect(await bob.fails(words, 'ALREADY_MEMBER')).not.toContain('take it off')
    expect((await bob.node.groups.list()).map(({ name }) => name)).toEqual(['team'])
    await bob.fails(words, 'ALREADY_MEMBER')
  })

  test('that was turned down leaves the list when its user says so', async () => {
    await alice.json('group', 'create', 'team')
    const once = await alice.link('team')
    await joins(bob, once)
    await carol.fails(['add', once], 'INVITE_USED')
    const [listed] = await carol.node.groups.list()
    await carol.fails(['send', '#group', 'hi'], 'NOT_MEMBER')
    const { stdout } = await carol.type(['group', 'leave', 'group'])
    expect(stdout).toBe('#group is off your list.\n')
    expect(await carol.node.groups.list()).toEqual([])
    await carol.fails(['group', 'leave', 'group'], 'UNKNOWN_GROUP')
    const made = await carol.node.groups.create('mine')
    expect(made.number).toBeGreaterThan(listed?.number ?? 0)
  })

  test('of a relay that is down is kept as asked, and can be given up', async () => {
    await alice.json('group', 'create', 'team')
    const link = await alice.link('team')
    await relays[0]?.close()
    const { stdout, stderr, exitCode } = await carol.type(['add', link])
    expect([stdout, exitCode]).toEqual(['Asked to join.\n', 0])
    expect(stderr).toContain('Waiting for their answer.')
    // A link says who made it, and nothing of the group: who asked is told whom to wait for.
    const asked = alice.node.address.slice(0, 10)
    expect((await carol.type(['group', 'list'])).stdout).toMatch(
      new RegExp(`#group +waiting for ${asked} +- `),
    )
    const { stdout: shown } = await carol.type(['group', 'show', 'group'])
    expect(shown).toContain(`#group  waiting for ${asked}\n  how it is called is told`)
    expect(shown).not.toContain('team')
    await carol.fails(['send', '#group', 'hi'], 'NOT_MEMBER')
    expect((await carol.type(['group', 'leave', 'group'])).exitCode).toBe(0)
  })

  test('that needs approval: who waits is told so, and is approved once', async () => {
    await alice.json('group', 'create', 'team', '--approve')
    const link = await alice.link('team', '--reusable')
    await carol.type(['add', link])
    await groupIs(alice.node, (one) => one.pending.length === 1)
    await groupIs(carol.node, (one) => one.problem === 'PENDING')
    expect((await carol.type(['group', 'list'])).stdout).toMatch(/#\w+ +waiting for an admin +- /)
    expect((await carol.type(['add', link])).stderr).toContain('An admin has yet to let you in.')
    await alice.fails(['group', 'approve', 'team', 'nobody'], 'NOT_MEMBER')
    await alice.json('group', 'approve', 'team', 'carol')
    await groupIs(carol.node, (one) => one.state === 'joined' && one.invitedBy === undefined)
    await alice.fails(['group', 'approve', 'team', 'carol'], 'ALREADY_MEMBER')
    await alice.fails(['group', 'reject', 'team', 'carol'], 'ALREADY_MEMBER')
  })

  test('by which one comes back after a removal says that one is in', async () => {
    await team()
    await alice.json('group', 'remove', 'team', 'bob')
    await groupIs(bob.node, (one) => one.state === 'removed')
    const { stdout, exitCode } = await bob.type(['add', await alice.link('team')])
    expect([stdout, exitCode]).toEqual(['You are in #team.\n', 0])
    expect(await bob.node.groups.list()).toHaveLength(1)
  })

  test('that does not bring back who was removed leaves the history where it was', async () => {
    await alice.json('group', 'create', 'team')
    const link = await alice.link('team', '--reusable', '--approve')
    await bob.type(['add', link])
    await groupIs(alice.node, (one) => one.pending.length === 1)
    await alice.json('group', 'approve', 'team', 'bob')
    await groupIs(bob.node, (one) => one.state === 'joined' && one.members.length === 2)
    await alice.json('send', '#team', 'while you are here')
    await messageIn(bob.node, 'while you are here')
    await alice.json('group', 'remove', 'team', 'bob')
    await groupIs(bob.node, (one) => one.state === 'removed')
    await bob.type(['add', await alice.link('team', '--approve')])
    await groupIs(alice.node, (one) => one.pending.length === 1)
    await alice.json('group', 'reject', 'team', 'bob')
    await groupIs(bob.node, (one) => one.problem === 'REFUSED')
    const [group] = await bob.json('group', 'show', 'team')
    expect(group).toMatchObject({ group: { state: 'removed' }, problem: 'REFUSED' })
    expect((await bob.type(['read', '#team'])).stdout).toContain('while you are here')
  })
})

describe('without the role', () => {
  test('a plain member changes nothing', async () => {
    await team()
    await network.introduce(bob.node, await network.node('dave', { relays, listens: false }))
    const before = await members(alice)
    for (const words of [
      ['add', 'team', 'dave'],
      ['remove', 'team', 'alice'],
      ['remove', 'team', 'carol'],
      ['role', 'team', 'carol', 'admin'],
      ['role', 'team', 'bob', 'owner'],
      ['role', 'team', 'alice', 'member'],
      ['rename', 'team', 'mine'],
      ['invite', 'team'],
    ]) {
      await bob.fails(['group', ...words], 'NOT_ADMIN')
    }
    await bob.fails(['group', 'approve', 'team', 'dave'], 'NOT_MEMBER')
    expect(await members(alice)).toBe(before)
    // New keys may be asked for by anybody.
    await bob.json('group', 'rotate', 'team')
  })

  test('an admin does nothing to an owner, and makes none', async () => {
    await team()
    await alice.json('group', 'role', 'team', 'bob', 'admin')
    await groupIs(bob.node, (one) => one.role === 'admin')
    for (const words of [
      ['remove', 'team', 'alice'],
      ['role', 'team', 'alice', 'member'],
      ['role', 'team', 'alice', 'admin'],
      ['role', 'team', 'bob', 'owner'],
      ['role', 'team', 'carol', 'owner'],
    ]) {
      await bob.fails(['group', ...words], 'NOT_ADMIN')
    }
    await bob.json('group', 'remove', 'team', 'carol')
  })

  test('the last owner stays, and says how to go', async () => {
    await team()
    for (const words of [
      ['leave', 'team'],
      ['remove', 'team', 'alice'],
      ['role', 'team', 'alice', 'member'],
      ['role', 'team', 'alice', 'admin'],
    ]) {
      const seen = await alice.fails(['group', ...words], 'LAST_OWNER')
      expect(seen).toContain(' group role GROUP WHO owner')
    }
    await alice.json('group', 'role', 'team', 'bob', 'owner')
    expect((await alice.type(['group', 'remove', 'team', 'alice'])).stdout).toBe(
      'You left #team.\n',
    )
    await alice.fails(['group', 'leave', 'team'], 'NOT_MEMBER')
  })
})

describe('names', () => {
  const long = 'x'.repeat(10_000)

  test.each([
    ['10,000 characters', long],
    ['nothing', ''],
    ['white space', ' \t '],
    ['bidi controls', 'a\u202eb'],
    ['isolates', '\u2066\u2069'],
    ['a terminal sequence', 'a\u001b[2Jb'],
    ['a line feed', 'a\nb'],
  ])('of %s are refused, and found nowhere', async (_, name) => {
    await alice.json('group', 'create', 'team')
    await alice.fails(['group', 'create', name], 'INVALID', 2)
    await alice.fails(['group', 'rename', 'team', name], 'INVALID', 2)
    await alice.fails(['group', 'show', name], 'UNKNOWN_GROUP')
    await alice.fails(['send', `#${name}`, 'hi'], 'UNKNOWN_GROUP')
    await alice.fails(['group', 'remove', 'team', name], 'NOT_MEMBER')
    await alice.fails(['group', 'add', 'team', name], 'UNKNOWN_CONTACT')
    expect((await alice.node.groups.list()).map((one) => one.name)).toEqual(['team'])
  })

  test('that are taken: the second group has one of its own, and its user is told', async () => {
    await alice.json('group', 'create', 'team')
    const second = await alice.type(['group', 'create', 'Team'])
    expect(second.stdout).toBe('Made #Team-2.\n')
    expect(second.stderr).toContain('#Team-2 to you, #Team to others')
    await alice.json('group', 'create', 'other')
    const renamed = await alice.type(['group', 'rename', 'other', 'team'])
    expect(renamed.stdout).toBe('Now called #team-3.\n')
    expect(renamed.stderr).toContain('#team-3 to you, #team to others')
    await alice.json('send', '#team', 'to the first')
    const [first] = await alice.json('read', '#team')
    expect(first).toMatchObject({ chat: '#team', text: 'to the first' })
  })

  test('that are another group’s id, or the start of it, are not taken for it', async () => {
    const real = await alice.node.groups.create('real')
    await alice.node.groups.create(real.id)
    await alice.json('send', `#${real.id}`, 'to the id')
    expect((await alice.node.chats.messages('#real')).map(({ text }) => text)).toEqual([
      'to the id',
    ])
    await alice.node.groups.create(real.id.slice(0, 12))
    const seen = await alice.fails(['send', `#${real.id.slice(0, 12)}`, 'hi'], 'AMBIGUOUS_GROUP')
    expect(seen).toContain('#real')
  })

  test('in a hint are one word of a shell, whatever they hold', async () => {
    const name = "x'; rm -rf ~; '"
    const { stderr } = await alice.type(['group', 'create', name])
    expect(stderr).toContain(` group invite 'x'\\''; rm -rf ~; '\\'''`)
    await joins(bob, await alice.link(name))
    const link = await alice.link(name)
    const { stderr: next } = await carol.type(['add', link])
    expect(next).toContain(` send '#x'\\''; rm -rf ~; '\\''' "hello"`)
  })

  test('given at once by two admins: one stands for all, and both are told', async () => {
    await team()
    await alice.json('group', 'role', 'team', 'bob', 'admin')
    await groupIs(bob.node, (one) => one.role === 'admin')
    const { id } = await alice.node.groups.get('#team')
    const watching = [await watch(alice), await watch(bob)]
    await Promise.all([
      alice.node.groups.rename('#team', 'one'),
      bob.node.groups.rename('#team', 'two'),
    ])
    await alice.json('send', `#${id}`, 'after one')
    await bob.json('send', `#${id}`, 'after two')
    for (const { node } of [alice, bob, carol]) {
      await messageIn(node, 'after one')
      await messageIn(node, 'after two')
    }
    // Both heads are closed here: what it is called now stands.
    const { name } = await carol.node.groups.get(`#${id}`)
    expect(['one', 'two']).toContain(name)
    for (const { node } of [alice, bob]) await groupIs(node, (one) => one.name === name)
    for (const { told, stop } of watching) {
      await vi.waitFor(() => expect(told()).toContain(`"name":"${name}"`), 10_000)
      await stop()
    }
  })
})

/** `watch` of a user, from a moment before the call on. */
async function watch(user: User) {
  const end = new AbortController()
  let text = ''
  const words = ['watch', '--since', String((await user.node.events.cursor()) - 1), '--json']
  const heard = (part: string): void => {
    text += part
  }
  const done = user.type(words, { heard, signal: end.signal })
  return {
    told: () => text,
    stop: async () => {
      end.abort()
      await done
    },
  }
}

describe('members', () => {
  test('that are there, or are not, are neither added nor removed twice', async () => {
    await team()
    await network.introduce(alice.node, bob.node)
    await alice.fails(['group', 'add', 'team', 'bob'], 'ALREADY_MEMBER')
    await alice.fails(['group', 'add', 'team', 'carol'], 'ALREADY_MEMBER')
    await alice.fails(['group', 'add', 'team', 'alice'], 'ALREADY_MEMBER')
    await alice.fails(['group', 'add', 'team', alice.node.address], 'ALREADY_MEMBER')
    await alice.fails(['group', 'add', 'team', 'nobody'], 'UNKNOWN_CONTACT')
    await alice.fails(['group', 'remove', 'team', 'nobody'], 'NOT_MEMBER')
    await alice.fails(['group', 'role', 'team', 'nobody', 'admin'], 'NOT_MEMBER')
    await alice.fails(['group', 'role', 'team', 'bob', 'king'], 'USAGE', 2)
    const before = await alice.node.groups.get('#team')
    await alice.json('group', 'role', 'team', 'BOB', 'member')
    expect(await alice.node.groups.get('#team')).toEqual(before)
    await alice.json('group', 'remove', 'team', 'bob')
    await alice.fails(['group', 'remove', 'team', 'bob'], 'NOT_MEMBER')
  })

  test('who call themselves alike are told apart, and none passes for another’s address', async () => {
    await team()
    const liar = await User.of(await network.node(carol.node.address, { relays, listens: false }))
    const twin = await User.of(await network.node('Carol', { relays, listens: false }))
    const link = await alice.link('team', '--reusable')
    await joins(liar, link)
    await joins(twin, link)
    await groupIs(alice.node, (one) => one.members.length === 5)
    const seen = await alice.fails(['group', 'remove', 'team', 'carol'], 'AMBIGUOUS_CONTACT')
    expect(seen).toContain(carol.node.address)
    expect(seen).toContain(twin.node.address)
    await alice.json('group', 'remove', 'team', carol.node.address)
    await groupIs(carol.node, (one) => one.state === 'removed')
    expect((await liar.node.groups.get('#team')).state).toBe('joined')
    await liar.close()
    await twin.close()
  })
})

describe('a group that one is out of', () => {
  test.each(['left', 'removed'])('%s: it is read up to then, and not written to', async (how) => {
    await team()
    await bob.json('send', '#team', 'before')
    await messageIn(alice.node, 'before')
    if (how === 'left') await bob.json('group', 'leave', 'team')
    else await alice.json('group', 'remove', 'team', 'bob')
    await groupIs(bob.node, (one) => one.state === how)
    await groupIs(carol.node, (one) => one.members.length === 2)
    await alice.json('send', '#team', 'after')
    await messageIn(carol.node, 'after')
    await bob.node.settle(2_000)
    const sentence = how === 'left' ? 'you left this group' : 'you were removed from this group'
    const seen = await bob.fails(['send', '#team', 'still here'], 'NOT_MEMBER')
    expect(seen).toContain(sentence)
    expect(seen).toContain('can be read')
    for (const words of [
      ['leave', 'team'],
      ['rotate', 'team'],
      ['invite', 'team'],
      ['rename', 'team', 'mine'],
      ['add', 'team', 'carol'],
      ['remove', 'team', 'carol'],
      ['role', 'team', 'carol', 'admin'],
      ['approve', 'team', 'carol'],
    ]) {
      await bob.fails(['group', ...words], 'NOT_MEMBER')
    }
    const texts = (await bob.json('read', '#team')).map(({ text }) => text)
    expect(texts).toEqual(['before'])
    expect((await bob.type(['group', 'list'])).stdout).toMatch(new RegExp(`#team +${how} +- `))
  })

  test('that there never was is none', async () => {
    for (const words of [
      ['group', 'show', 'nope'],
      ['group', 'leave', 'nope'],
      ['group', 'rotate', '#nope'],
      ['group', 'invite', 'nope'],
      ['group', 'rename', 'nope', 'other'],
      ['group', 'add', 'nope', 'bob'],
      ['group', 'approve', 'nope', 'bob'],
      ['group', 'reject', 'nope', 'bob'],
      ['group', 'remove', 'nope', 'bob'],
      ['group', 'role', 'nope', 'bob', 'admin'],
      ['send', '#nope', 'hi'],
      ['read', '#nope'],
      ['chat', '#nope'],
      ['send', '#', 'hi'],
    ]) {
      await alice.fails(words, 'UNKNOWN_GROUP')
    }
  })
})
