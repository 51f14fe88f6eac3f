import { describe, expect, it } from 'vitest'
import { compareBytes, type GroupOp } from '../../../crypto/index.ts'
import type { DraftPayload } from '../../../protocol/index.ts'
import {
  addOf,
  cutAt,
  deviceOf,
  fakeList,
  GroupWorld,
  hashOf,
  leave,
  listOf,
  membersOf,
  person,
  removeOf,
  roleOf,
  rotate,
  unsignedOp,
} from '../../support/group-world.ts'

const ann = person('ann')
const bob = person('bob')
const cat = person('cat')
const dan = person('dan')
const eve = person('eve')

/** Ann, the owner; bob, an admin; cat and dan. */
function group(settings = 0): GroupWorld {
  const world = new GroupWorld(ann, settings)
  world.add(ann, [bob, cat, dan])
  world.write(ann, roleOf(bob, 1))
  return world
}

/** The same operation with some fields replaced; its recipients' hash stays. */
function altered(op: GroupOp, changes: Partial<GroupOp>): GroupOp {
  return unsignedOp({ ...op, ...changes })
}

describe('V3 and V4, parents', () => {
  it('refuse a timestamp that a parent does not have', () => {
    const world = group()
    const op = world.forge(cat, rotate)
    const [parent] = op.parents
    if (parent === undefined) throw new Error('a parent')
    const inflated = altered(op, { parents: [{ id: parent.id, lamport: 2 ** 32 - 1 }] })
    expect(inflated.lamport).toBe(2 ** 32)
    expect(world.faultOf(inflated)).toBe('lamport')
    expect(world.faultOf(op)).toBeUndefined()
  })

  it('refuse a parent that is an ancestor of another', () => {
    const world = group()
    const [, add] = world.ops
    const last = world.ops.at(-1)
    if (add === undefined || last === undefined) throw new Error('operations')
    expect(world.faultOf(world.forge(cat, rotate, { on: [add, last] }))).toBe('parents')
  })

  it('refuse a second root', () => {
    const world = group()
    const other = new GroupWorld(bob, 0, 'another')
    expect(world.dag.add(other.root).kind).toBe('foreign')
    const empty = world.replay([])
    expect(empty.add(other.root).kind).toBe('foreign')
    expect(empty.size).toBe(0)
  })
})

describe('V5, numbers', () => {
  it('are 1 + the highest of the device in its past', () => {
    const world = group()
    const first = world.write(cat, rotate)
    expect(first.seq).toBe(1)
    for (const seq of [1, 3]) {
      expect(world.faultOf(world.forge(cat, rotate, { seq }))).toBe('seq')
    }
    expect(world.faultOf(world.forge(cat, rotate, { seq: 2 }))).toBeUndefined()
  })
})

describe('V6, the author', () => {
  it('is a member', () => {
    const world = group()
    expect(world.faultOf(world.forge(eve, rotate))).toBe('author')
    expect(world.faultOf(world.forge(dan, rotate))).toBeUndefined()
    world.write(ann, removeOf(dan))
    expect(world.faultOf(world.forge(dan, rotate))).toBe('author')
  })

  it('writes with a device of its own list, not of another member', () => {
    const world = group()
    expect(world.faultOf(world.forge(cat, rotate, { device: dan.device }))).toBe('author')
    const ghost = world.forge(cat, rotate, { device: deviceOf('cat', 2) })
    expect(world.faultOf(ghost)).toBe('author')
  })

  it('creates a group with a list of its own that has the device', () => {
    const { root } = new GroupWorld(ann)
    const { payload } = root
    if (payload.kind !== 'create') throw new Error('a create')
    for (const list of [bob.list, fakeList(ann.account, 1, [deviceOf('ann', 2)])]) {
      const forged = altered(root, { payload: { ...payload, list } })
      const world = new GroupWorld(ann)
      const dag = world.replay([])
      // Under its own id: a group whose creator has no part in it.
      Object.defineProperty(dag, 'groupId', { value: forged.id })
      expect(dag.add(forged).refused.map(({ fault }) => fault)).toEqual(['author'])
    }
  })

  const needs: readonly (readonly [string, number, (world: GroupWorld) => DraftPayload])[] = [
    ['add', 1, (world) => addOf(world.ops[1] ?? world.root, [eve])],
    ['remove', 1, () => removeOf(dan)],
    ['carriage', 1, () => ({ kind: 'carriage', relays: [] })],
    ['meta', 1, () => ({ kind: 'meta', name: 'new', settings: undefined })],
    ['role', 2, () => roleOf(dan, 1)],
    ['rotate', 0, () => rotate],
    ['leave', 0, () => leave],
    ['devices', 0, () => listOf(fakeList(dan.account, 2, [dan.device]))],
    ['unknown', 0, () => ({ kind: 'unknown', number: 99, value: [] })],
  ]
  it.each(needs)('has the rank that %s needs', (_kind, need, payload) => {
    const world = group()
    const faults = [cat, bob, ann].map((author) =>
      world.faultOf(world.forge(author, payload(world))),
    )
    expect(faults).toEqual([0, 1, 2].map((rank) => (rank < need ? 'rank' : undefined)))
  })

  it('may add as a plain member where the settings say so', () => {
    const world = group(2)
    const [, add] = world.ops
    if (add === undefined) throw new Error('an add')
    expect(world.faultOf(world.forge(cat, addOf(add, [eve])))).toBeUndefined()
  })
})

describe('V7, add and refresh', () => {
  it('take nobody in twice', () => {
    const world = group()
    const [, add] = world.ops
    if (add === undefined) throw new Error('an add')
    expect(world.faultOf(world.forge(ann, addOf(add, [eve, dan])))).toBe('target')
  })

  it('extend an epoch in their past that the author has', () => {
    const world = group()
    const [, add, role] = world.ops
    if (add === undefined || role === undefined) throw new Error('operations')
    const fault = (author: typeof ann, epoch: GroupOp, on: GroupOp): string | undefined =>
      world.faultOf(world.forge(author, addOf(epoch, [eve]), { on: [on] }))
    expect(fault(ann, role, role)).toBe('epoch')
    const later = world.write(cat, rotate)
    expect(fault(ann, later, role)).toBe('epoch')
    expect(fault(ann, later, later)).toBeUndefined()
    // Bob came with the add and does not have the epoch below it.
    expect(fault(bob, world.root, later)).toBe('epoch')
    expect(fault(ann, world.root, later)).toBeUndefined()
  })

  it('refresh devices of members, also of those it is for already, and no others', () => {
    const world = group()
    const second = deviceOf('dan', 2)
    world.write(dan, listOf(fakeList(dan.account, 2, [dan.device, second])))
    const [, add] = world.ops
    if (add === undefined) throw new Error('an add')
    const fault = (devices: readonly Uint8Array[]): string | undefined =>
      world.faultOf(world.forge(cat, { kind: 'refresh', epochOp: add.id, devices }))
    expect(fault([second])).toBeUndefined()
    expect(fault([dan.device])).toBeUndefined()
    expect(fault([dan.device, second].toSorted(compareBytes))).toBeUndefined()
    expect(fault([deviceOf('dan', 3)])).toBe('target')
    expect(fault([eve.device])).toBe('target')
  })
})

describe('V8, removing and lowering', () => {
  it('need a member, and more authority than it has', () => {
    const world = group()
    world.write(ann, roleOf(cat, 1))
    const fault = (author: typeof ann, target: typeof ann): string | undefined =>
      world.faultOf(world.forge(author, removeOf(target)))
    expect(fault(bob, eve)).toBe('target')
    expect(fault(bob, ann)).toBe('authority')
    expect(fault(bob, cat)).toBeUndefined()
    expect(fault(cat, bob)).toBe('authority')
    expect(fault(ann, ann)).toBe('authority')
  })

  it('of owners go by seniority, and one lowers oneself at any time', () => {
    const world = group()
    world.write(ann, roleOf(bob, 2))
    expect(world.faultOf(world.forge(bob, roleOf(ann, 0)))).toBe('authority')
    expect(world.faultOf(world.forge(ann, roleOf(bob, 0)))).toBeUndefined()
    expect(world.faultOf(world.forge(bob, roleOf(bob, 0)))).toBeUndefined()
    expect(world.faultOf(world.forge(cat, roleOf(cat, 1)))).toBe('rank')
  })

  it('a role that is held already cannot be given again to take away its seniority', () => {
    const world = group()
    world.write(ann, roleOf(bob, 2))
    expect(world.faultOf(world.forge(bob, roleOf(ann, 2)))).toBe('target')
  })
})

describe('V9, lists', () => {
  it('are above the one held, or differ from it', () => {
    const world = group()
    const list = (version: number, n: number): DraftPayload =>
      listOf(fakeList(cat.account, version, [cat.device, deviceOf('cat', n)]))
    world.write(dan, list(5, 2))
    const fault = (payload: DraftPayload): string | undefined =>
      world.faultOf(world.forge(dan, payload))
    expect(fault(list(4, 2))).toBe('list')
    expect(fault(list(5, 2))).toBe('list')
    expect(fault(list(5, 3))).toBeUndefined()
    expect(fault(list(6, 2))).toBeUndefined()
    expect(fault(listOf(fakeList(eve.account, 9, [eve.device])))).toBe('target')
  })

  it('come again only to let more of a revoked device stand', () => {
    const world = group()
    const second = deviceOf('cat', 2)
    world.write(cat, listOf(fakeList(cat.account, 5, [cat.device, second])))
    const revoking = fakeList(cat.account, 6, [cat.device], [second])
    world.write(cat, listOf(revoking, [cutAt(second, 4)]))
    const fault = (device: Uint8Array, n: number): string | undefined =>
      world.faultOf(world.forge(dan, listOf(revoking, [cutAt(device, n)])))
    expect(fault(second, 4)).toBe('list')
    expect(fault(second, 3)).toBe('list')
    expect(fault(second, 5)).toBeUndefined()
    expect(fault(cat.device, 5)).toBe('list')
  })
})

describe('V10 to V12', () => {
  it('refuse recipients that do not follow from the history', () => {
    const world = group()
    const op = world.forge(cat, rotate)
    if (op.payload.kind !== 'rotate') throw new Error('a rotation')
    const ghost = altered(op, { payload: { ...op.payload, recipientsHash: hashOf('ghost') } })
    expect(world.faultOf(ghost)).toBe('recipients')
    expect(world.faultOf(op)).toBeUndefined()
  })

  it('refuse the 1,001st member, and let members go beyond it', () => {
    const world = new GroupWorld(ann)
    const crowd = Array.from({ length: 999 }, (_, i) => person(`p${i}`))
    for (let at = 0; at < crowd.length; at += 16) world.add(ann, crowd.slice(at, at + 16))
    expect(world.dag.view().memberCount).toBe(1_000)
    const [, add] = world.ops
    if (add === undefined) throw new Error('an add')
    expect(world.faultOf(world.forge(ann, addOf(add, [person('late')])))).toBe('limit')
    const [first = ann] = crowd
    expect(world.faultOf(world.forge(ann, removeOf(first)))).toBeUndefined()
  })

  it('refuse recipients above 4,096 where they would grow, and never a removal', () => {
    const world = new GroupWorld(ann)
    const many = (name: string): typeof ann => ({
      ...person(name),
      list: fakeList(
        person(name).account,
        1,
        Array.from({ length: 10 }, (_, i) => deviceOf(name, i + 1)),
      ),
    })
    const crowd = Array.from({ length: 409 }, (_, i) => many(`p${i}`))
    for (let at = 0; at < crowd.length; at += 16) world.add(ann, crowd.slice(at, at + 16))
    expect(world.dag.view().devices()).toHaveLength(4_091)
    const last = world.ops.at(-1)
    if (last === undefined) throw new Error('an add')
    expect(world.faultOf(world.forge(ann, addOf(last, [many('late')])))).toBe('limit')
    const more = [ann.device, ...[2, 3, 4, 5, 6, 7].map((n) => deviceOf('ann', n))]
    const grown = listOf(fakeList(ann.account, 2, more))
    expect(world.faultOf(world.forge(ann, grown))).toBe('limit')
    // Adds that did not know of each other make it larger than that all the same.
    const [first = ann] = crowd
    const before = world.ops.at(-2) ?? last
    for (const name of ['late', 'later']) {
      world.write(ann, addOf(before, [many(name)]), { on: [before] })
    }
    expect(world.dag.view().devices()).toHaveLength(4_111)
    expect(world.faultOf(world.forge(ann, removeOf(first)))).toBeUndefined()
  })

  it('refuse the 4,097th operation but what a group cannot do without', { timeout: 60_000 }, () => {
    const world = new GroupWorld(ann)
    world.add(ann, [bob])
    const meta: DraftPayload = { kind: 'meta', name: 'again', settings: undefined }
    while (world.dag.size < 4_096) world.write(ann, meta)
    const fault = (payload: DraftPayload): string | undefined => {
      const outcome = world.dag.judge(world.forge(ann, payload))
      return typeof outcome === 'string' ? outcome : undefined
    }
    expect(fault(meta)).toBe('limit')
    expect(fault(addOf(world.ops[1] ?? world.root, [cat]))).toBe('limit')
    for (const payload of [rotate, leave, removeOf(bob)]) expect(fault(payload)).toBeUndefined()
    const second = fakeList(bob.account, 2, [bob.device, deviceOf('bob', 2)])
    expect(fault(listOf(second))).toBeUndefined()
  })

  it('an unknown kind has no effect and is part of the history', () => {
    const world = group()
    const before = membersOf(world.dag, [ann, bob, cat, dan])
    const op = world.write(cat, { kind: 'unknown', number: 700, value: [1] })
    expect(membersOf(world.dag, [ann, bob, cat, dan])).toEqual(before)
    expect(world.write(dan, rotate).parents.map(({ id }) => id)).toEqual([op.id])
  })
})

describe('operations that wait', () => {
  it('are judged when their parents come, in any order', () => {
    const world = group()
    const later = world.write(cat, rotate)
    const last = world.write(dan, rotate)
    const dag = world.replay([])
    expect(dag.add(last)).toMatchObject({ kind: 'pending', missing: [later.id] })
    expect(dag.add(last).kind).toBe('known')
    expect(dag.add(later).missing).toHaveLength(1)
    expect(dag.missing()).toHaveLength(1)
    for (const op of world.ops.slice(0, 2)) dag.add(op)
    const outcome = dag.add(world.ops[2] ?? last)
    expect(outcome.accepted.map(({ id }) => id)).toEqual(world.ops.slice(2).map(({ id }) => id))
    expect([dag.pendingSize, dag.missing().length]).toEqual([0, 0])
  })

  it('fall with a parent that is not valid, and so does what cites them later', () => {
    const world = group()
    const bad = world.forge(cat, removeOf(dan))
    const on = { ...rotate }
    const child = unsignedOp({
      ...world.forge(cat, on),
      parents: [{ id: bad.id, lamport: bad.lamport }],
      seq: 2,
    })
    const grandchild = unsignedOp({
      ...child,
      parents: [{ id: child.id, lamport: child.lamport }],
      seq: 3,
    })
    expect(world.dag.add(grandchild).kind).toBe('pending')
    expect(world.dag.add(child).kind).toBe('pending')
    const outcome = world.dag.add(bad)
    expect(outcome.kind).toBe('invalid')
    expect(outcome.refused.map(({ fault }) => fault)).toEqual([
      'rank',
      'parent-invalid',
      'parent-invalid',
    ])
    expect(world.dag.pendingSize).toBe(0)
    expect(world.dag.add(child).kind).toBe('invalid')
    expect(world.dag.add(bad).kind).toBe('invalid')
  })

  it('are bounded per device and per group, and strangers give way to members', () => {
    const world = group()
    const orphan = (device: Uint8Array, salt: number): GroupOp =>
      unsignedOp({
        ...world.forge(cat, rotate, { device }),
        parents: [{ id: hashOf('nowhere', salt), lamport: 5 }],
        seq: 1,
      })
    expect(world.dag.add(orphan(dan.device, 3)).kind).toBe('pending')
    const kinds = Array.from({ length: 65 }, (_, i) => world.dag.add(orphan(eve.device, i)).kind)
    expect(kinds.filter((kind) => kind === 'pending')).toHaveLength(64)
    expect(kinds.at(-1)).toBe('full')
    for (let i = 0; world.dag.pendingSize < 1_024; i++) {
      world.dag.add(orphan(hashOf('stranger', i), 1_000 + i))
    }
    expect(world.dag.add(orphan(hashOf('one more'), 1)).kind).toBe('full')
    const outcome = world.dag.add(orphan(cat.device, 2))
    expect(outcome.kind).toBe('pending')
    expect(outcome.dropped.map(({ device }) => compareBytes(device, eve.device))).toEqual([0])
    expect(world.dag.pendingSize).toBe(1_024)
  })
})
