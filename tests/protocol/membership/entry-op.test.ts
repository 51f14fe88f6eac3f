// Under which operation an entry is written: whoever is topped up must be a member there.
import { describe, expect, it, vi } from 'vitest'
import { compareBytes, GROUP_PARENTS_MAX } from '../../../crypto/index.ts'
import { entryOp, groupEpoch, waitingOp } from '../../../protocol/index.ts'
import {
  GroupWorld,
  addOf,
  person,
  removeOf,
  roleOf,
  unsignedOp,
} from '../../support/group-world.ts'

const alice = person('alice')
const bob = person('bob')
const carol = person('carol')
const dave = person('dave')

/** Two admins each add somebody, neither knowing of the other. */
function twoAdds() {
  const world = new GroupWorld(alice)
  world.add(alice, [bob])
  const on = [world.write(alice, roleOf(bob, 1))]
  const first = world.write(alice, addOf(world.root, [carol]), { on })
  const second = world.write(bob, addOf(world.ops[1] ?? world.root, [dave]), { on })
  return { world, first, second }
}

/** Groups in which a removal and new keys know nothing of each other: in some the one is higher, in some the other. */
function removedBesideKeys() {
  const higher = new Set<string>()
  const groups = ['carol', 'dave', 'erin', 'frank', 'grace', 'heidi'].map((name) => {
    const gone = person(name)
    const world = new GroupWorld(alice)
    world.add(alice, [bob, gone])
    const on = [world.write(alice, roleOf(bob, 1))]
    const rotation = world.write(alice, { kind: 'rotate', ownN: 0 }, { on })
    const removal = world.write(bob, removeOf(gone), { on })
    higher.add(compareBytes(rotation.id, removal.id) > 0 ? 'rotation' : 'removal')
    return { world, removal }
  })
  expect(higher.size).toBe(2)
  return groups
}

describe('the operation of an entry', () => {
  it('is looked for at as many heads as are cited, however many a member makes', () => {
    const { world, first } = twoAdds()
    const on = [world.ops[2] ?? world.root]
    const fork = world.forge(bob, { kind: 'rotate', ownN: 0 }, { on })
    for (let salt = 0; salt < 200; salt++) world.take(unsignedOp(fork, salt))
    const looked = vi.spyOn(world.dag, 'viewAfter')
    expect(entryOp(world.dag, world.root.id, [carol.device])).toEqual(first.id)
    expect(looked.mock.calls.length).toBeLessThanOrEqual(GROUP_PARENTS_MAX)
  })

  it('is that of its epoch where the epoch has everybody', () => {
    const { world, first } = twoAdds()
    expect(entryOp(world.dag, first.id, [])).toEqual(first.id)
  })

  it('is a head at which those are members whom the epoch lacks, though it be the lower one', () => {
    const { world, first, second } = twoAdds()
    expect(entryOp(world.dag, first.id, [dave.device])).toEqual(second.id)
    expect(entryOp(world.dag, second.id, [carol.device])).toEqual(first.id)
  })

  it('is the highest head where no single one has them all', () => {
    const { world } = twoAdds()
    const highest = world.dag.heads().at(-1)?.id
    expect(entryOp(world.dag, world.root.id, [carol.device, dave.device])).toEqual(highest)
  })

  it('is never one at which somebody is a member who is none any more: they would be served the text', () => {
    for (const { world, removal } of removedBesideKeys()) {
      expect(entryOp(world.dag, world.root.id, [bob.device])).toEqual(removal.id)
    }
  })

  it('is not that of its epoch where somebody whom the epoch never had is a member there, and none now', () => {
    const world = new GroupWorld(alice)
    world.add(alice, [bob])
    const on = [world.write(alice, roleOf(bob, 1))]
    const added = world.write(alice, addOf(world.root, [carol]), { on })
    const rotation = world.write(bob, { kind: 'rotate', ownN: 0 }, { on })
    // Whoever has the keys of the rotation alone extends those.
    const extended = world.write(bob, addOf(rotation, [dave]), { on: [added, rotation] })
    const removal = world.write(alice, removeOf(carol), { on: [added, rotation] })
    const { recipients } = groupEpoch(world.dag, extended.id) ?? { recipients: () => [] }
    expect(recipients()).toEqual(world.dag.view().devices())
    expect(entryOp(world.dag, extended.id, [])).toEqual(removal.id)
  })

  it('is that of its epoch where every head has somebody who is none', () => {
    const world = new GroupWorld(alice)
    world.add(alice, [bob, carol, dave])
    const on = [world.write(alice, roleOf(bob, 1))]
    world.write(alice, removeOf(carol), { on })
    world.write(bob, removeOf(dave), { on })
    expect(entryOp(world.dag, world.root.id, [bob.device])).toEqual(world.root.id)
  })
})

describe('the operation of an entry that waits for a key', () => {
  it('is the highest head at which nobody is a member who is none any more', () => {
    for (const { world, removal } of removedBesideKeys()) {
      expect(waitingOp(world.dag)).toEqual(removal.id)
    }
  })

  it('is none of them where each has somebody who is none', () => {
    const world = new GroupWorld(alice)
    world.add(alice, [bob, carol, dave])
    const on = [world.write(alice, roleOf(bob, 1))]
    world.write(alice, removeOf(carol), { on })
    world.write(bob, removeOf(dave), { on })
    expect(waitingOp(world.dag)).toBeUndefined()
  })
})
