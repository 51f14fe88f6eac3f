// Under which operation an entry is written: whoever is topped up must be a member there.
import { describe, expect, it } from 'vitest'
import { entryOp } from '../../../protocol/index.ts'
import { GroupWorld, addOf, person, roleOf } from '../../support/group-world.ts'

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

describe('the operation of an entry', () => {
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
})
