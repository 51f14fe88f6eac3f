// What members who are concurrent, late or dishonest can bring about, by name.
import { describe, expect, it } from 'vitest'
import { compareBytes, type GroupOp, toHex } from '../../../crypto/index.ts'
import { groupEpoch, isEligible } from '../../../protocol/index.ts'
import { numbersFrom } from '../../support/group-random.ts'
import {
  addOf,
  deviceOf,
  fakeList,
  GroupWorld,
  leave,
  listOf,
  membersOf,
  type Person,
  person,
  removeOf,
  roleOf,
  rotate,
  stateText,
  unsignedOp,
} from '../../support/group-world.ts'

const alice = person('alice')
const bob = person('bob')
const carol = person('carol')
const dave = person('dave')
const eve = person('eve')
const mallory = person('mallory')
const EVERYBODY = [alice, bob, carol, dave, eve, mallory]

/** Alice, the owner, and some others, in one add. */
function group(...others: readonly Person[]): GroupWorld {
  const world = new GroupWorld(alice)
  world.add(alice, others)
  return world
}

function top(world: GroupWorld): GroupOp {
  const last = world.ops.at(-1)
  if (last === undefined) throw new Error('an operation')
  return last
}

/** Members by name; and that every other order of arrival gives the same. */
function outcome(world: GroupWorld): readonly string[] {
  const expected = stateText(world.dag, world.ops)
  for (let seed = 1; seed <= 8; seed++) {
    const next = numbersFrom(seed)
    const mixed = world.ops
      .map((op) => ({ op, at: next(1_000_000) }))
      .sort((a, b) => a.at - b.at)
      .map(({ op }) => op)
    expect(stateText(world.replay(mixed), world.ops)).toBe(expected)
  }
  return membersOf(world.dag, EVERYBODY)
}

const isVoid = (world: GroupWorld, op: GroupOp): boolean => world.dag.view().isVoid(op.id)
const roleIn = (world: GroupWorld, who: Person): number | undefined =>
  world.dag.view().member(who.account)?.role

describe('concurrent adding and removing', () => {
  it('an add-back survives a second removal that did not know it', () => {
    const world = group(bob, carol)
    world.write(alice, roleOf(carol, 1))
    const before = top(world)
    const removal = world.write(alice, removeOf(bob), { on: [before] })
    world.write(alice, addOf(removal, [bob]), { on: [removal] })
    world.write(carol, removeOf(bob), { on: [before] })
    expect(outcome(world)).toEqual(['alice', 'bob', 'carol'])
  })

  it('two adds of one person by two admins are one member, and one removal undoes both', () => {
    const world = group(bob, carol)
    world.write(alice, roleOf(carol, 1))
    const before = top(world)
    const [, epoch = before] = world.ops
    world.write(alice, addOf(epoch, [dave]), { on: [before] })
    world.write(carol, addOf(epoch, [dave]), { on: [before] })
    expect(outcome(world)).toEqual(['alice', 'bob', 'carol', 'dave'])
    world.write(alice, removeOf(dave))
    expect(outcome(world)).toEqual(['alice', 'bob', 'carol'])
  })

  it('an add of somebody is untouched by a removal of another', () => {
    const world = group(bob, carol)
    const before = top(world)
    world.write(alice, removeOf(bob), { on: [before] })
    const [, epoch = before] = world.ops
    world.write(alice, addOf(epoch, [dave]), { on: [before], seq: 3, salt: 1 })
    expect(outcome(world)).toEqual(['alice', 'carol', 'dave'])
  })
})

describe('removals against each other', () => {
  /** Bob, carol and dave, admins of falling seniority. */
  function admins(): GroupWorld {
    const world = group(bob, carol, dave)
    for (const who of [bob, carol, dave]) world.write(alice, roleOf(who, 1))
    return world
  }

  it('of two who remove each other, the one of greater authority stays', () => {
    const world = admins()
    const before = top(world)
    const byBob = world.write(bob, removeOf(carol), { on: [before] })
    const promotion = world.write(alice, roleOf(carol, 2), { on: [before] })
    const byCarol = world.write(carol, removeOf(bob), { on: [promotion] })
    expect(outcome(world)).toEqual(['alice', 'carol', 'dave'])
    expect([isVoid(world, byBob), isVoid(world, byCarol)]).toEqual([true, false])
  })

  it('of three who remove each other in a circle, the greatest is decided first', () => {
    const world = admins()
    const before = top(world)
    const byBob = world.write(bob, removeOf(carol), { on: [before] })
    const byCarol = world.write(carol, removeOf(dave), { on: [before] })
    const promotion = world.write(alice, roleOf(dave, 2), { on: [before] })
    const byDave = world.write(dave, removeOf(bob), { on: [promotion] })
    // Dave's stands, so bob's is void, so carol's stands.
    expect([byDave, byBob, byCarol].map((op) => isVoid(world, op))).toEqual([false, true, false])
    expect(outcome(world)).toEqual(['alice', 'carol'])
  })

  it('what a removal rests on is not taken from it by a lesser one', () => {
    // Bob removes mallory; meanwhile alice made mallory an owner, who made carol one, who removes bob.
    const world = group(bob, carol, mallory)
    world.write(alice, roleOf(bob, 1))
    const before = top(world)
    const byBob = world.write(bob, removeOf(mallory), { on: [before] })
    const first = world.write(alice, roleOf(mallory, 2), { on: [before] })
    const second = world.write(mallory, roleOf(carol, 2), { on: [first] })
    const byCarol = world.write(carol, removeOf(bob), { on: [second] })
    const voided = [byBob, first, second, byCarol].map((op) => isVoid(world, op))
    expect(voided).toEqual([true, false, false, false])
    expect(outcome(world)).toEqual(['alice', 'carol', 'mallory'])
  })

  it('what one of less authority removes does not take the ground of one that stands', () => {
    // As above, but it is dave who removes mallory, so that removal stands: and carol stays an owner.
    const world = group(bob, carol, dave, mallory)
    world.write(alice, roleOf(bob, 1))
    world.write(alice, roleOf(dave, 1))
    const before = top(world)
    const byDave = world.write(dave, removeOf(mallory), { on: [before] })
    const first = world.write(alice, roleOf(mallory, 2), { on: [before] })
    const second = world.write(mallory, roleOf(carol, 2), { on: [first] })
    const renamed = world.write(
      mallory,
      { kind: 'meta', name: 'hers', settings: undefined },
      { on: [second] },
    )
    const byCarol = world.write(carol, removeOf(bob), { on: [second] })
    const voided = [byDave, first, second, renamed, byCarol].map((op) => isVoid(world, op))
    expect(voided).toEqual([false, false, false, true, false])
    expect(roleIn(world, carol)).toBe(2)
    expect(outcome(world)).toEqual(['alice', 'carol', 'dave'])
  })

  it('an operation elsewhere does not change what members had settled among themselves', () => {
    // Dave removes bob, which is void since carol removed dave; alice then makes bob an owner, who
    // removes carol. That eve meanwhile changed her epoch says nothing about it.
    const world = group(bob, carol, dave, eve)
    world.write(alice, roleOf(carol, 1))
    world.write(alice, roleOf(dave, 1))
    const before = top(world)
    const byDave = world.write(dave, removeOf(bob), { on: [before] })
    const byCarol = world.write(carol, removeOf(dave), { on: [before] })
    expect(isVoid(world, byDave)).toBe(true)
    world.write(alice, roleOf(bob, 2), { on: [byDave, byCarol] })
    const byBob = world.write(bob, removeOf(carol))
    expect(outcome(world)).toEqual(['alice', 'bob', 'eve'])
    const renamed = world.write(bob, { kind: 'meta', name: 'ours', settings: undefined })
    world.write(eve, rotate, { on: [before] })
    expect(isVoid(world, byBob)).toBe(false)
    expect(outcome(world)).toEqual(['alice', 'bob', 'eve'])
    // Nor does what carol says of bob's devices, which falls with her: that bob's acts are looked at
    // again does not bring back a removal that all he did was done in the knowledge of being void.
    const longer = fakeList(bob.account, 2, [bob.device, deviceOf('bob', 2)])
    const falls = world.write(carol, listOf(longer), { on: [before] })
    expect([falls, byBob, renamed].map((op) => isVoid(world, op))).toEqual([true, false, false])
    expect(outcome(world)).toEqual(['alice', 'bob', 'eve'])
    expect(world.dag.view().name).toBe('ours')
  })
})

describe('back-dating', () => {
  it('a removed admin does not remove others from before the removal', () => {
    const world = group(bob, mallory)
    world.write(alice, roleOf(mallory, 1))
    const before = top(world)
    world.write(alice, removeOf(mallory))
    for (let i = 0; i < 5; i++) world.write(bob, rotate)
    const late = world.write(mallory, removeOf(bob), { on: [before] })
    expect(isVoid(world, late)).toBe(true)
    expect(outcome(world)).toEqual(['alice', 'bob'])
    expect(
      world.faultOf(world.forge(mallory, removeOf(alice), { on: [before], seq: 1, salt: 9 })),
    ).toBe('authority')
  })

  it('a lowered admin does not lower others from before', () => {
    const world = group(bob, mallory)
    world.write(alice, roleOf(mallory, 2))
    world.write(alice, roleOf(bob, 2))
    const before = top(world)
    world.write(alice, roleOf(mallory, 0))
    const late = world.write(mallory, roleOf(bob, 0), { on: [before] })
    expect(isVoid(world, late)).toBe(true)
    expect([bob, mallory].map((who) => roleIn(world, who))).toEqual([2, 0])
    expect(outcome(world)).toEqual(['alice', 'bob', 'mallory'])
  })

  it('a lowered admin loses what needed the rank, and no more', () => {
    const world = group(bob, mallory)
    world.write(alice, roleOf(mallory, 1))
    const before = top(world)
    world.write(alice, roleOf(mallory, 0), { on: [before] })
    const acted = world.write(mallory, removeOf(bob), { on: [before] })
    const rotated = world.write(mallory, rotate, { on: [before], seq: 1, salt: 3 })
    expect([isVoid(world, acted), isVoid(world, rotated)]).toEqual([true, false])
    expect(outcome(world)).toEqual(['alice', 'bob', 'mallory'])
  })

  it('whom a removed admin adds from before is not a member, nor are those he adds', () => {
    const world = group(bob, mallory)
    world.write(alice, roleOf(mallory, 1))
    const before = top(world)
    const [, epoch = before] = world.ops
    world.write(alice, removeOf(mallory), { on: [before] })
    const add = world.write(mallory, addOf(epoch, [eve]), { on: [before] })
    const promotion = world.write(
      mallory,
      { kind: 'meta', name: 'mine', settings: 2 },
      { on: [add] },
    )
    const further = world.write(eve, addOf(add, [dave]), { on: [promotion] })
    const own = world.write(dave, rotate, { on: [further] })
    expect([add, further, own].map((op) => isVoid(world, op))).toEqual([true, true, true])
    expect(outcome(world)).toEqual(['alice', 'bob'])
    expect(world.dag.view().name).toBe('the group')
    // The epoch of a void add names whom it reaches all the same: nobody sends in it.
    expect(groupEpoch(world.dag, add.id)).toMatchObject({ isVoid: true, recipientCount: 4 })
  })

  it('a removed account does not undo by a revocation what its device had done', () => {
    const second = deviceOf('mallory', 2)
    const two = fakeList(mallory.account, 1, [mallory.device, second])
    const world = group(bob, { ...mallory, list: two })
    world.write(alice, roleOf(mallory, 1))
    const before = top(world)
    const [, epoch = before] = world.ops
    const add = world.write(mallory, addOf(epoch, [eve]), { on: [before] })
    world.write(alice, removeOf(mallory))
    const revoking = fakeList(mallory.account, 2, [second], [mallory.device])
    world.write(mallory, listOf(revoking), { on: [before], device: second })
    expect(isVoid(world, add)).toBe(false)
    expect(outcome(world)).toEqual(['alice', 'bob', 'eve'])
  })

  it('a revoked device does not act from before its revocation', () => {
    const second = deviceOf('bob', 2)
    const two = fakeList(bob.account, 1, [bob.device, second])
    const world = group({ ...bob, list: two }, carol)
    world.write(alice, roleOf(bob, 1))
    const before = top(world)
    world.write(bob, listOf(fakeList(bob.account, 2, [bob.device], [second])))
    const stolen = world.write(bob, removeOf(carol), { on: [before], device: second })
    expect(isVoid(world, stolen)).toBe(true)
    expect(outcome(world)).toEqual(['alice', 'bob', 'carol'])
  })

  it('nobody revokes the devices of others by naming their keys in his own list', () => {
    const world = group(bob, mallory)
    world.write(alice, roleOf(bob, 1))
    const before = top(world)
    const act = world.write(
      bob,
      { kind: 'meta', name: 'ours', settings: undefined },
      { on: [before] },
    )
    const naming = fakeList(mallory.account, 2, [mallory.device], [bob.device, alice.device])
    world.write(mallory, listOf(naming), { on: [before] })
    expect(isVoid(world, act)).toBe(false)
    expect(world.dag.view().name).toBe('ours')
  })

  it('who leaves stays gone, whoever removes him at the same time', () => {
    const world = group(bob, mallory)
    const before = top(world)
    world.write(alice, removeOf(bob), { on: [before] })
    const left = world.write(bob, leave, { on: [before] })
    expect(isVoid(world, left)).toBe(false)
    expect(outcome(world)).toEqual(['alice', 'mallory'])
  })
})

describe('lies about the history', () => {
  it('a withheld operation that comes late gives the state it would have given early', () => {
    const world = group(bob, carol, mallory)
    world.write(alice, roleOf(mallory, 1))
    const before = top(world)
    const withheld = world.write(mallory, removeOf(carol), { on: [before] })
    world.write(alice, roleOf(bob, 1), { on: [before] })
    world.write(bob, rotate)
    const late = world.ops.filter(({ id }) => compareBytes(id, withheld.id) !== 0)
    // Bob's rotation cites it and waits: nothing that rests on it is judged without it.
    expect(world.replay(late).pendingSize).toBe(1)
    expect(outcome(world)).toEqual(['alice', 'bob', 'mallory'])
  })

  it('an operation with made-up parents waits, counts for nothing and is never cited', () => {
    const world = group(bob)
    const before = stateText(world.dag, world.ops)
    const orphan = unsignedOp({
      ...world.forge(bob, rotate),
      parents: [{ id: deviceOf('no such', 1), lamport: 2 ** 32 - 1 }],
    })
    expect(world.dag.add(orphan).kind).toBe('pending')
    expect(stateText(world.dag, world.ops)).toBe(before)
    expect(world.dag.nextParents()).toHaveLength(1)
    expect(world.write(bob, rotate).lamport).toBe(3)
  })

  it('operations that cite each other, or themselves, are never judged', () => {
    // An id is a hash over the ids it cites: a circle can only be claimed by wrong ids.
    const world = group(bob)
    const first = unsignedOp({
      ...world.forge(bob, rotate),
      parents: [{ id: deviceOf('later', 1), lamport: 5 }],
    })
    const second = unsignedOp({ ...first, parents: [{ id: first.id, lamport: first.lamport }] })
    expect(world.dag.add(first).kind).toBe('pending')
    expect(world.dag.add(second).kind).toBe('pending')
    expect(world.dag.missing().map(toHex)).toEqual([toHex(deviceOf('later', 1))])
    expect(world.dag.size).toBe(2)
  })

  it('more heads than an operation can cite do not stop the group', () => {
    const world = group(bob, mallory)
    const before = top(world)
    for (let i = 0; i < 8; i++) world.write(mallory, rotate, { on: [before], salt: i })
    for (let i = 0; i < 8; i++) world.write(bob, rotate, { on: [before], salt: 20 + i })
    for (let i = 0; i < 8; i++) world.write(alice, rotate, { on: [before], salt: 40 + i })
    expect(world.dag.heads()).toHaveLength(24)
    const next = world.dag.nextParents(bob.device)
    expect(next).toHaveLength(16)
    expect(world.write(bob, { kind: 'merge', ownN: 0 }).parents).toEqual(next)
    expect(outcome(world)).toEqual(['alice', 'bob', 'mallory'])
  })

  it('two operations of one device with one number are both valid, and a proof', () => {
    const world = group(bob, mallory)
    const before = top(world)
    const first = world.write(mallory, rotate, { on: [before], salt: 1 })
    expect(isEligible(world.dag, first.id)).toBe(true)
    const second = world.forge(mallory, rotate, { on: [before], salt: 2 })
    const added = world.dag.add(second)
    expect(added.proofs).toEqual([{ first, second }])
    expect(world.dag.isEquivocator(mallory.device)).toBe(true)
    expect([first, second].map(({ id }) => isEligible(world.dag, id))).toEqual([false, false])
    expect(isEligible(world.dag, world.root.id)).toBe(true)
  })

  it('all forks of a device are taken in, so everybody comes to the same, and it is told once', () => {
    const world = group(bob, mallory)
    world.write(alice, roleOf(mallory, 1))
    const on = [top(world)]
    const forks = Array.from({ length: 20 }, (_, salt) =>
      world.forge(mallory, salt % 2 === 0 ? rotate : removeOf(bob), { on, salt, seq: 1 }),
    )
    const proofs = forks.flatMap((op) => {
      const added = world.dag.add(op)
      expect(added.kind).toBe('accepted')
      return added.proofs
    })
    expect(proofs).toEqual([{ first: forks[0], second: forks[1] }])
    const everybody = [...world.ops, ...forks]
    const expected = stateText(world.dag, everybody)
    expect(stateText(world.replay([...world.ops, ...forks.toReversed()]), everybody)).toBe(expected)
    expect(world.dag.view().member(bob.account)).toBeUndefined()
  })

  it('an operation of one group is nothing in another', () => {
    const world = group(bob)
    const other = new GroupWorld(alice, 0, 'another')
    other.add(alice, [bob])
    const op = world.write(bob, rotate)
    expect(other.dag.add(op).kind).toBe('foreign')
    const moved = unsignedOp({ ...op, group: other.root.id })
    expect(other.dag.add(moved).kind).toBe('pending')
    expect(moved.id).not.toEqual(op.id)
  })
})

describe('names, owners, lists', () => {
  it('of two renames at once one wins, the same everywhere, and the settings stay', () => {
    const world = group(bob)
    world.write(alice, roleOf(bob, 1))
    const before = top(world)
    const named = (who: Person, name: string): GroupOp =>
      world.write(who, { kind: 'meta', name, settings: undefined }, { on: [before] })
    const ops = [named(alice, 'this'), named(bob, 'that')]
    world.write(alice, { kind: 'meta', name: undefined, settings: 3 }, { on: [before], salt: 5 })
    const [, last] = ops.toSorted((a, b) => compareBytes(a.id, b.id))
    const name = last?.payload.kind === 'meta' ? last.payload.name : undefined
    outcome(world)
    expect(world.dag.view().name).toBe(name)
    expect(world.dag.view().settings).toBe(3)
  })

  it('all carriages at odds are read, the last is written, and the next ends it', () => {
    const world = group(bob)
    world.write(alice, roleOf(bob, 1))
    const before = top(world)
    const carriage = (who: Person, key: string, on?: GroupOp): GroupOp =>
      world.write(
        who,
        {
          kind: 'carriage',
          relays: [{ serviceKey: deviceOf(key, 1), addresses: ['/dns4/relay.example/tcp/443'] }],
        },
        on === undefined ? {} : { on: [on] },
      )
    carriage(alice, 'one', before)
    carriage(bob, 'two', before)
    expect(world.dag.view().readRelays).toHaveLength(2)
    expect(world.dag.view().writtenRelays).toEqual([world.dag.view().readRelays[0]])
    carriage(alice, 'three')
    expect(world.dag.view().readRelays).toEqual(world.dag.view().writtenRelays)
  })

  it('of two roles given at once the lower holds, until the next', () => {
    const world = group(bob, carol)
    world.write(alice, roleOf(carol, 2))
    const before = top(world)
    world.write(alice, roleOf(bob, 2), { on: [before] })
    world.write(carol, roleOf(bob, 1), { on: [before] })
    expect(roleIn(world, bob)).toBe(1)
    outcome(world)
    world.write(carol, roleOf(bob, 2))
    expect(roleIn(world, bob)).toBe(2)
  })

  it('nobody removes the last owner, and when he goes the senior-most member is owner', () => {
    const world = group(bob, carol)
    world.write(alice, roleOf(carol, 1))
    expect(world.faultOf(world.forge(carol, removeOf(alice)))).toBe('authority')
    world.write(alice, leave)
    expect([bob, carol].map((who) => roleIn(world, who))).toEqual([0, 2])
    world.write(carol, roleOf(bob, 2))
    expect([bob, carol].map((who) => roleIn(world, who))).toEqual([2, 1])
    expect(outcome(world)).toEqual(['bob', 'carol'])
  })

  it('an owner who lowers himself as the last one stays owner by seniority or hands it on', () => {
    const world = group(bob, carol)
    world.write(alice, roleOf(bob, 1))
    world.write(alice, roleOf(alice, 0))
    expect([alice, bob, carol].map((who) => roleIn(world, who))).toEqual([0, 2, 0])
    expect(outcome(world)).toEqual(['alice', 'bob', 'carol'])
  })

  it('what the senior-most did as owner falls if the owner turns out never to have gone', () => {
    const second = deviceOf('alice', 2)
    const two = fakeList(alice.account, 1, [alice.device, second])
    const world = new GroupWorld({ ...alice, list: two })
    world.add(alice, [bob, carol])
    world.write(alice, roleOf(bob, 1))
    const before = top(world)
    const stolen = world.write(alice, roleOf(alice, 0), { on: [before], device: second })
    const acted = world.write(bob, roleOf(carol, 2), { on: [stolen] })
    expect(roleIn(world, carol)).toBe(2)
    world.write(alice, listOf(fakeList(alice.account, 2, [alice.device], [second])), {
      on: [before],
    })
    expect([stolen, acted].map((op) => isVoid(world, op))).toEqual([true, true])
    expect([alice, bob, carol].map((who) => roleIn(world, who))).toEqual([2, 1, 0])
    expect(outcome(world)).toEqual(['alice', 'bob', 'carol'])
  })

  it('of two lists of one version only what both say is trusted, and the account is flagged', () => {
    const second = deviceOf('bob', 2)
    const third = deviceOf('bob', 3)
    const world = group(bob, carol)
    const before = top(world)
    const one = fakeList(bob.account, 2, [bob.device, second], [third])
    const two = fakeList(bob.account, 2, [bob.device, third])
    world.write(bob, listOf(one), { on: [before] })
    world.write(carol, listOf(two), { on: [before] })
    const member = world.dag.view().member(bob.account)
    expect(member?.devices).toEqual([bob.device])
    expect(member?.revoked).toEqual([third])
    expect(member?.listEquivocation).toBe(true)
    outcome(world)
    const epoch = world.write(alice, rotate)
    expect(groupEpoch(world.dag, epoch.id)?.recipientCount).toBe(3)
    world.write(bob, listOf(fakeList(bob.account, 3, [bob.device, second])))
    expect(world.dag.view().member(bob.account)?.listEquivocation).toBe(false)
  })

  it('an add-back with an older list does not bring back what was revoked since', () => {
    const second = deviceOf('bob', 2)
    const old = fakeList(bob.account, 1, [bob.device, second])
    const world = group({ ...bob, list: old }, carol)
    world.write(bob, listOf(fakeList(bob.account, 2, [bob.device], [second])))
    const removal = world.write(alice, removeOf(bob))
    const back = world.write(alice, addOf(removal, [{ ...bob, list: old }]))
    expect(world.dag.view().member(bob.account)?.devices).toEqual([bob.device])
    expect(groupEpoch(world.dag, back.id)?.recipientCount).toBe(3)
  })
})
