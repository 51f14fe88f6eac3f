// Members without a rank that flood a group together (SPEC.md §19.2): they use up what they have room for
// together, and none of what an admin needs. With small numbers: nothing else is another.
import { expect, it, vi } from 'vitest'
import type { GroupOp } from '../../../crypto/index.ts'
import {
  GroupWorld,
  leave,
  membersOf,
  person,
  type Person,
  removeOf,
  roleOf,
  rotate,
  unsignedOp,
} from '../../support/group-world.ts'

vi.mock('../../../protocol/group-limits.ts', async (original) => ({
  ...(await original<object>()),
  GROUP_OPS_MAX: 40,
  GROUP_OPS_HARD_MAX: 60,
  GROUP_PLAIN_OPS_MAX: 20,
  GROUP_PLAIN_OPS_HARD_MAX: 30,
  GROUP_PLAIN_OPS_APART: 20,
  GROUP_OPS_HELD_MAX: 220,
  GROUP_PLAIN_OPS_HELD_MAX: 120,
}))

const alice = person('alice')
const bob = person('bob')
const carol = person('carol')
const liars = Array.from({ length: 8 }, (_, i) => person(`liar ${i}`))

function group(): GroupWorld {
  const world = new GroupWorld(alice)
  world.add(alice, [bob, carol, ...liars])
  world.write(alice, roleOf(bob, 1))
  return world
}

function forks(
  world: GroupWorld,
  author: Person,
  on: readonly GroupOp[],
  count: number,
): GroupOp[] {
  const first = world.forge(author, rotate, { on })
  return Array.from({ length: count }, (_, salt) => unsignedOp(first, salt))
}

function goOn(world: GroupWorld): void {
  for (const liar of liars) world.write(alice, removeOf(liar))
  world.add(bob, [person('dora')])
  world.write(bob, { kind: 'meta', name: 'ours again', settings: undefined })
  for (let i = 0; i < 20; i++) world.write(alice, rotate)
  expect(membersOf(world.dag, [alice, bob, carol, ...liars])).toEqual(['alice', 'bob', 'carol'])
  expect(world.dag.view().name).toBe('ours again')
}

it('chains of eight cost an owner nothing, and their authors all that they have', () => {
  const world = group()
  for (const liar of liars) {
    for (let i = 0; i < 20; i++) {
      const op = world.forge(liar, rotate)
      if (world.dag.add(op).kind === 'accepted') world.ops.push(op)
    }
    expect(world.dag.usedUp('rotate', liar)).toBe('member')
  }
  expect(world.dag.size).toBe(3 + 120)
  // Others of no rank have no room either; a leave is one of theirs.
  expect(world.dag.add(world.forge(carol, rotate)).kind).toBe('full')
  expect(world.dag.add(world.forge(carol, leave)).kind).toBe('full')
  expect(world.dag.usedUp('leave', carol)).toBe('member')
  expect(world.dag.usedUp('meta', bob)).toBeUndefined()
  goOn(world)
})

it('forks of eight, each handed on by another, take no room of an owner', () => {
  const world = group()
  const [add = world.root, top = world.root] = world.ops.slice(1)
  const [first = carol, second = carol] = liars
  // One that waits for what never comes: by it each lets the other's in.
  const parents = [{ id: new Uint8Array(32).fill(7), lamport: 5 }]
  for (const liar of [first, second]) {
    const orphan = unsignedOp({ ...world.forge(liar, rotate), parents })
    expect(world.dag.add(orphan, carol.account).kind).toBe('pending')
  }
  for (const liar of liars) {
    const by = liar === first ? second : first
    for (const op of forks(world, liar, [add], 100)) world.dag.add(op, by.account)
  }
  expect(world.dag.size).toBe(3 + 120)
  // What an admin's operation stands on is let in for all that.
  const elsewhere = new GroupWorld(alice)
  elsewhere.add(alice, [bob, carol, ...liars])
  elsewhere.take(top)
  const [needed = top] = forks(elsewhere, carol, [top], 1)
  elsewhere.take(needed)
  const named = elsewhere.write(bob, { kind: 'meta', name: 'there', settings: undefined })
  expect(world.dag.add(needed, alice.account).kind).toBe('full')
  expect(world.dag.add(named, alice.account).kind).toBe('pending')
  expect(world.dag.add(needed, carol.account).kind).toBe('full')
  expect(world.dag.add(needed).kind).toBe('full')
  expect(world.dag.add(needed, alice.account).kind).toBe('accepted')
  expect(world.dag.has(named.id)).toBe(true)
  goOn(world)
})

it('an owner has as many operations as ever, and no more', () => {
  const world = group()
  const meta = { kind: 'meta', name: 'again', settings: undefined } as const
  while (world.dag.size < 40) world.write(alice, meta)
  expect(world.dag.usedUp('meta', alice)).toBe('group')
  expect(world.faultOf(world.forge(alice, meta))).toBe('limit')
  expect(world.faultOf(world.forge(carol, rotate))).toBeUndefined()
  while (world.dag.size < 60) world.write(alice, rotate)
  expect(world.dag.usedUp('rotate', alice)).toBe('group')
  expect(world.dag.usedUp('rotate', carol)).toBe('group')
  expect(world.faultOf(world.forge(carol, rotate))).toBe('limit')
})
