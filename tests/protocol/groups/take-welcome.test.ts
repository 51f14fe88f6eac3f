// Welcomes of several people into one group: what one of them says keeps no other's from being taken,
// for each is judged by the operations that it names.
import { describe, expect, it } from 'vitest'
import type { BaseAuthor } from '../../../protocol/content/base.ts'
import { WELCOMES_MAX, WELCOME_WAITS_MS } from '../../../protocol/group-limits.ts'
import { forgetGroup, groupOf, newGroup, putGroup } from '../../../protocol/groups/group.ts'
import { takeOperations, takeSeed } from '../../../protocol/groups/intake.ts'
import { pendingWelcomes } from '../../../protocol/groups/pending-welcomes.ts'
import { takeSeedWelcome, takeWelcome } from '../../../protocol/groups/take-welcome.ts'
import { authorFrontier } from '../../../protocol/log/frontier.ts'
import { bytesOf } from '../../support/entries.ts'
import { openedFrom } from '../../support/opened-inner.ts'
import { type SeededOp, TwoDevices, type WelcomingAdd } from '../../support/two-devices.ts'

const BASE: readonly BaseAuthor[] = ['one', 'two'].map((name, i) => ({
  author: bytesOf(`author ${name}`),
  n: 3 + i,
  id: bytesOf(`entry ${name}`),
  lamport: 9,
}))

function from(who: string) {
  return openedFrom(bytesOf(`account ${who}`), bytesOf(`device ${who}`), bytesOf('transcript'))
}

type Told = Pick<WelcomingAdd, 'epoch' | 'lineage'> & { readonly addOp: Uint8Array }

function welcomes(world: TwoDevices, who: string, told: Told, pages = [1, 2]): void {
  for (const page of pages) {
    const authors = BASE.slice(page - 1, page)
    const rest = { c: page, group: world.gid, operations: 3, page, pages: BASE.length, authors }
    world.driver.run((turn) => takeWelcome(turn, from(who), { ...rest, ...told }))
  }
}

function seeds(world: TwoDevices, who: string, { op, seed }: SeededOp): void {
  const secret = { secretKind: 'seed', secret: seed, lineage: undefined } as const
  world.driver.run(function* (turn) {
    yield* takeSeedWelcome(turn, from(who), op)
    yield* takeSeed(turn, world.gid, op.bytes, secret)
  })
}

const invented = (i: number): Told => ({
  addOp: bytesOf(`an add that never was ${i}`),
  epoch: bytesOf(`E ${i}`),
  lineage: bytesOf(`G ${i}`),
})

function brings(world: TwoDevices, ...ops: readonly { readonly bytes: Uint8Array }[]): void {
  const encoded = ops.map(({ bytes }) => bytes)
  world.driver.run((turn) => takeOperations(turn, world.gid, encoded))
}

const standing = (world: TwoDevices) => world.driver.run(() => groupOf(world.gid))?.standing

function waiting(world: TwoDevices): number {
  return world.driver.run(() => pendingWelcomes(world.gid)).length
}

function baseOf(world: TwoDevices): readonly (number | undefined)[] {
  return BASE.map(
    ({ author }) => world.driver.run((turn) => authorFrontier(turn, world.gid, author))?.baseN,
  )
}

describe('a welcome', () => {
  it.each(['before', 'after', 'between its pages of'])(
    'is taken though another member sent a false one %s it',
    (when) => {
      const world = new TwoDevices(`false ${when}`, 'joining')
      const { op, ...secrets } = world.add(BASE)
      const told = { addOp: op.id, ...secrets }
      if (when === 'before') welcomes(world, 'liar', invented(0))
      welcomes(world, 'adder', told, [1])
      if (when === 'between its pages of') welcomes(world, 'liar', invented(0))
      welcomes(world, 'adder', told, [2])
      if (when === 'after') welcomes(world, 'liar', invented(0))
      expect(standing(world)).toBe('joining')
      brings(world, world.root.op, op)
      expect(standing(world)).toBe('joined')
      expect(baseOf(world)).toEqual([3, 4])
      expect(waiting(world)).toBe(0)
    },
  )

  it('of the same add with a false key keeps no true one out', () => {
    const world = new TwoDevices('false key', 'joining')
    const { op, ...secrets } = world.add(BASE)
    welcomes(world, 'liar', { ...invented(0), addOp: op.id })
    welcomes(world, 'adder', { addOp: op.id, ...secrets })
    brings(world, world.root.op, op)
    expect(standing(world)).toBe('joined')
    expect(baseOf(world)).toEqual([3, 4])
  })

  it('with a base that reaches further than that of its add is not taken', () => {
    const world = new TwoDevices('false base', 'joining')
    const { op, ...secrets } = world.add([])
    welcomes(world, 'liar', { addOp: op.id, ...secrets })
    brings(world, world.root.op, op)
    expect(standing(world)).toBe('joining')
    expect(baseOf(world)).toEqual([undefined, undefined])
    const told = expect.objectContaining({ code: 'GROUP_WELCOME_FALSE' })
    expect(world.driver.changes).toContainEqual(told)
  })

  it('of an operation that is no add is not kept once that is here', () => {
    const world = new TwoDevices('no add', 'joining')
    welcomes(world, 'liar', { ...invented(0), addOp: world.gid })
    expect(waiting(world)).toBe(1)
    brings(world, world.root.op)
    expect(waiting(world)).toBe(0)
    expect(standing(world)).toBe('joining')
  })

  it('by a seed is taken though other members sent false ones', () => {
    const world = new TwoDevices('false seed', 'joining')
    const { op: added } = world.add([])
    const rotation = { kind: 'rotate', ownN: 0 } as const
    const never = world.write(rotation)
    seeds(world, 'liar', { ...never, seed: bytesOf('false') })
    const real = world.write(rotation)
    seeds(world, 'helper', real)
    welcomes(world, 'another liar', invented(0))
    brings(world, world.root.op, added, never.op, real.op)
    expect(standing(world)).toBe('joined')
  })

  it('is kept for a bounded number of senders, and one whom nobody knows shuts out none we asked', () => {
    const world = new TwoDevices('many', 'joining')
    const { op, ...secrets } = world.add(BASE)
    for (let i = 0; i < WELCOMES_MAX + 3; i++) welcomes(world, `liar ${i}`, invented(i))
    expect(waiting(world)).toBe(WELCOMES_MAX)
    world.driver.run(function* (turn) {
      const group = yield* groupOf(world.gid)
      if (group === undefined) throw new Error('a group')
      const join = { account: from('adder').account, link: '', inviteId: bytesOf('id', 16) }
      const asked = { ...join, claim: bytesOf('claim', 16), device: undefined, askedAtMs: 0 }
      putGroup(turn, { ...group, join: asked })
    })
    welcomes(world, 'adder', { addOp: op.id, ...secrets })
    expect(waiting(world)).toBe(WELCOMES_MAX)
    brings(world, world.root.op, op)
    expect(standing(world)).toBe('joined')
  })

  it('begins no log anew for who was a member before: what was said to it then is still owed', () => {
    const world = new TwoDevices('back', 'joining')
    const { op: first } = world.add([])
    const target = world.driver.self.account
    const { op: removal } = world.write({ kind: 'remove', target, cut: [], reason: 0 })
    const { op, ...secrets } = world.add(BASE)
    welcomes(world, 'adder', { addOp: op.id, ...secrets })
    brings(world, world.root.op, first, removal, op)
    expect(standing(world)).toBe('joined')
    expect(baseOf(world).map((baseN) => baseN ?? 0)).toEqual([0, 0])
  })

  it('that overtakes the answer to our question is taken, ours alone being open', () => {
    const adder = from('adder').account
    const asksBy = (world: TwoDevices, name: string): void =>
      world.driver.run(function* (turn) {
        const asked = { account: adder, link: '', inviteId: bytesOf(name, 16) }
        const join = { ...asked, claim: bytesOf('claim', 16), device: undefined, askedAtMs: 0 }
        const group = { gid: undefined, name, named: false, standing: 'joining', join } as const
        yield* newGroup(turn, group)
      })
    const asking = (name: string, links: readonly string[]): TwoDevices => {
      const world = new TwoDevices(name, 'joining')
      world.driver.run(function* (turn) {
        const group = yield* groupOf(world.gid)
        if (group !== undefined) yield* forgetGroup(turn, group)
      })
      for (const link of links) asksBy(world, link)
      return world
    }
    const world = asking('overtakes', ['one'])
    const { op, ...secrets } = world.add(BASE)
    welcomes(world, 'adder', { addOp: op.id, ...secrets })
    brings(world, world.root.op, op)
    expect(standing(world)).toBe('joined')
    expect(baseOf(world)).toEqual([3, 4])
    // Of whose link we asked by none it is a stranger's; of two it may be either's.
    const stranger = asking('no question', ['one'])
    welcomes(stranger, 'liar', invented(0))
    expect(standing(stranger)).toBeUndefined()
    const two = asking('two questions', ['one', 'two'])
    welcomes(two, 'adder', invented(0))
    expect(standing(two)).toBeUndefined()
  })

  it('that is complete after our removal lets us in nowhere', () => {
    const world = new TwoDevices('too late', 'joining')
    const { op, ...secrets } = world.add(BASE)
    const target = world.driver.self.account
    const { op: removal } = world.write({ kind: 'remove', target, cut: [], reason: 0 })
    brings(world, world.root.op, op, removal)
    welcomes(world, 'adder', { addOp: op.id, ...secrets })
    expect(standing(world)).toBe('removed')
  })

  it('makes room for another after a day', () => {
    const world = new TwoDevices('a day', 'joining')
    const { op, ...secrets } = world.add(BASE)
    for (let i = 0; i < WELCOMES_MAX; i++) welcomes(world, `liar ${i}`, invented(i))
    world.driver.advance(WELCOME_WAITS_MS + 1)
    welcomes(world, 'admin', { addOp: op.id, ...secrets })
    expect(waiting(world)).toBe(WELCOMES_MAX)
    brings(world, world.root.op, op)
    expect(standing(world)).toBe('joined')
  })
})
