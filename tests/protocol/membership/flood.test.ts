// A member without a rank that writes operations without end (SPEC.md §19.2): in one chain, or as forks
// of old parents, before and after its removal. It uses up what is its own, and nothing of the group's.
import { describe, expect, it } from 'vitest'
import { equalBytes, type GroupOp } from '../../../crypto/index.ts'
import { type GroupDag, opsSince } from '../../../protocol/index.ts'
import {
  crypto,
  deviceOf,
  fakeList,
  GroupWorld,
  leave,
  listOf,
  membersOf,
  person,
  ref,
  removeOf,
  roleOf,
  rotate,
  unsignedOp,
} from '../../support/group-world.ts'

const alice = person('alice')
const bob = person('bob')
const carol = person('carol')
const mallory = person('mallory')
const dora = person('dora')
const people = [alice, bob, carol, mallory, dora]

/** Alice, the owner; bob, an admin; carol and mallory. */
function group(): GroupWorld {
  const world = new GroupWorld(alice)
  world.add(alice, [bob, carol, mallory])
  world.write(alice, roleOf(bob, 1))
  return world
}

/** So many rotations of one author, all on the same parents, with one number. */
function forks(world: GroupWorld, count: number, on: readonly GroupOp[], from = 0): GroupOp[] {
  const first = world.forge(mallory, rotate, { on })
  return Array.from({ length: count }, (_, salt) => unsignedOp(first, from + salt))
}

/** Rotations on each other, as many as are valid. */
function chain(world: GroupWorld, most: number): GroupOp[] {
  const { length } = world.ops
  while (world.ops.length - length < most) {
    const op = world.forge(mallory, rotate, { on: world.ops.slice(-1) })
    if (world.dag.add(op).kind !== 'accepted') break
    world.ops.push(op)
  }
  return world.ops.slice(length)
}

/** What a group must always be able to do. */
function goOn(world: GroupWorld): readonly GroupOp[] {
  const { length } = world.ops
  world.write(alice, removeOf(mallory))
  world.add(alice, [dora])
  world.write(bob, { kind: 'meta', name: 'ours again', settings: undefined })
  world.write(carol, rotate)
  world.write(alice, rotate)
  return world.ops.slice(length)
}

function told(dag: GroupDag): readonly unknown[] {
  return [membersOf(dag, people), dag.view().name, dag.view().devices().length]
}

const AFTER = [['alice', 'bob', 'carol', 'dora'], 'ours again', 4]

/** Another device: first what mallory sent it, then what alice holds, asked for until there is no news. */
function another(world: GroupWorld, flood: readonly GroupOp[]): GroupDag {
  const dag = world.replay([world.root])
  for (const op of flood) dag.add(op)
  for (let news = true; news;) {
    const { ops } = opsSince(
      world.dag,
      dag.namedHeads(256).map(({ id }) => id),
      { maxBytes: 48_000 },
    )
    news = ops.map((op) => dag.add(op, alice.account)).some(({ accepted }) => accepted.length > 0)
  }
  return dag
}

describe('a member without a rank', { timeout: 60_000 }, () => {
  it('writes 1,024 operations in one past, then none but its leave and device lists', () => {
    const world = group()
    expect(chain(world, 9_000)).toHaveLength(1_024)
    expect(world.faultOf(world.forge(mallory, rotate))).toBe('limit')
    expect(world.faultOf(world.forge(mallory, leave))).toBeUndefined()
    const list = fakeList(mallory.account, 2, [mallory.device, deviceOf('mallory', 2)])
    expect(world.faultOf(world.forge(mallory, listOf(list)))).toBeUndefined()
    expect(world.dag.usedUp('rotate', mallory)).toBe('member')
    expect(world.dag.usedUp('rotate', carol)).toBeUndefined()
    const after = goOn(world)
    expect(told(world.dag)).toEqual(AFTER)
    const [first = world.root] = after
    expect(world.dag.history.find(first.id)?.past.size).toBe(3 + 1_024)
  })

  it('gets no longer chain by lists of devices', () => {
    const world = group()
    const { length } = world.ops
    for (let version = 2; version < 9_000; version++) {
      const list = fakeList(mallory.account, version, [mallory.device])
      const op = world.forge(mallory, listOf(list), { on: world.ops.slice(-1) })
      if (world.dag.add(op).kind !== 'accepted') break
      world.ops.push(op)
    }
    expect(world.ops).toHaveLength(length + 2_048)
    goOn(world)
    expect(told(world.dag)).toEqual(AFTER)
  })

  it('has room for 2,048 forks, whatever it sends, and the others for all of theirs', () => {
    const world = group()
    const old = world.ops.slice(1, 2)
    const kinds = forks(world, 16_400, old).map((op) => {
      const { kind } = world.dag.add(op)
      if (kind === 'accepted') world.ops.push(op)
      return kind
    })
    expect(kinds.filter((kind) => kind === 'accepted')).toHaveLength(2_048)
    expect(kinds.at(-1)).toBe('full')
    // Not for ever: what is full is asked for again.
    expect(world.dag.has(world.root.id)).toBe(true)
    const list = fakeList(mallory.account, 2, [mallory.device, deviceOf('mallory', 2)])
    expect(world.dag.add(world.forge(mallory, listOf(list))).kind).toBe('accepted')
    goOn(world)
    expect(told(world.dag).slice(0, 2)).toEqual(AFTER.slice(0, 2))
  })

  it.each([0, 1, 2])('is removed by whoever was sent other forks, in order %i', (order) => {
    const world = group()
    const old = world.ops.slice(1, 2)
    const here = forks(world, 2_048, old)
    for (const op of here) world.take(op)
    const honest = [...world.ops.slice(0, 3), ...goOn(world)]
    const there = forks(world, 2_100, old, 100_000)
    const [few, early] = [there.slice(0, 500), world.ops.slice(1, 3)]
    const flood = [
      [...early, ...there],
      [...early, ...few, ...honest, ...there],
      [...honest.toReversed(), ...there.toReversed(), ...early],
    ][order]
    const dag = another(world, flood ?? [])
    for (const { id } of honest) expect(dag.has(id)).toBe(true)
    expect(told(dag)).toEqual(AFTER)
    expect(told(world.dag)).toEqual(AFTER)
    expect(dag.pendingSize).toBe(0)
  })

  it('changes nothing by what it writes once it is removed, and has no more room for it', () => {
    const world = group()
    const old = world.ops.slice(1, 2)
    goOn(world)
    let taken = 0
    for (const op of forks(world, 4_000, old)) if (world.dag.add(op).kind === 'accepted') taken++
    expect(taken).toBe(2_048)
    expect(told(world.dag)).toEqual(AFTER)
    for (let i = 0; i < 20; i++) {
      world.write(carol, rotate)
      world.write(bob, { kind: 'meta', name: `name ${i}`, settings: undefined })
    }
    expect(world.dag.usedUp('meta', bob)).toBeUndefined()
    expect(told(world.dag)[0]).toEqual(AFTER[0])
  })

  it('that was an admin goes on by what it was no further than that', () => {
    const world = group()
    const before = world.ops.slice(2, 3)
    world.write(alice, removeOf(bob))
    const first = world.forge(bob, rotate, { on: before })
    let taken = 0
    for (let salt = 0; salt < 4_000; salt++) {
      if (world.dag.add(unsignedOp(first, salt)).kind === 'accepted') taken++
    }
    expect(taken).toBe(2_048)
    goOn(world.dag.view().member(bob.account) === undefined ? renamedBy(world) : world)
    expect(told(world.dag)[0]).toEqual(['alice', 'carol', 'dora'])
  })
})

/** The same group: bob is out, so alice does what bob does elsewhere. */
function renamedBy(world: GroupWorld): GroupWorld {
  const write = world.write.bind(world)
  world.write = (author, payload, options) =>
    write(equalBytes(author.account, bob.account) ? alice : author, payload, options)
  return world
}

describe('heads that find no room', () => {
  it('are those of who has many, so an operation knows of its own and of what others did', () => {
    const world = group()
    const top = world.ops.slice(-1)
    const own = world.write(carol, rotate, { on: top })
    const rename = { kind: 'meta', name: 'new', settings: undefined } as const
    const renamed = world.write(bob, rename, { on: top })
    // Higher than all of the others.
    const high = chain(world, 3)
    for (const op of forks(world, 40, high.slice(-1))) world.take(op)
    expect(world.dag.heads().length).toBeGreaterThan(40)
    const next = world.write(carol, { kind: 'merge', ownN: 0 })
    expect(next.seq).toBe(2)
    const past = world.dag.history.find(next.id)?.past
    for (const { id } of [own, renamed]) {
      expect(past?.has(world.dag.history.find(id)?.index ?? -1)).toBe(true)
    }
    expect(world.dag.isEquivocator(carol.device)).toBe(false)
    const named = world.dag.namedHeads(2).map(({ id }) => id)
    expect(named).toContainEqual(next.id)
  })

  it('cite the own last operation also where only a flood is above it', () => {
    const world = group()
    const top = world.ops.slice(-1)
    const high = chain(world, 2).slice(-1)
    const own = world.write(carol, rotate, { on: top })
    const [above = own] = forks(world, 1, [own])
    for (const op of [above, ...forks(world, 40, high, 900)]) world.take(op)
    const next = world.write(carol, rotate)
    expect(next.seq).toBe(2)
    expect(next.parents).toContainEqual(ref(above))
  })

  it('are handed on last where nobody needs them', () => {
    const world = group()
    const top = world.ops.slice(-1)
    for (const op of forks(world, 400, world.ops.slice(1, 2))) world.take(op)
    const late = world.write(carol, rotate, { on: top })
    const { ops } = opsSince(world.dag, [], { maxBytes: 10_000 })
    expect(ops).toContainEqual(late)
    expect(ref(ops[0] ?? late)).toEqual(ref(world.root))
    const all = opsSince(world.dag, [], { maxBytes: 1 << 24 }).ops
    expect(all).toHaveLength(world.dag.size)
    const copy = new (world.dag.constructor as typeof GroupDag)(crypto, world.root.id)
    for (const op of all) expect(copy.add(op).kind).toBe('accepted')
  })
})
