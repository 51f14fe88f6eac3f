// Random histories of a group: members who are honest, late, or lie about what they know.
import { equalBytes, type GroupOp } from '../../crypto/index.ts'
import type { DraftPayload } from '../../protocol/index.ts'
import {
  addOf,
  deviceOf,
  fakeList,
  GroupWorld,
  leave,
  listOf,
  type Person,
  person,
  removeOf,
  roleOf,
} from './group-world.ts'

/** A small generator (mulberry32): the same numbers from the same seed. */
export function numbersFrom(seed: number): (below: number) => number {
  let a = seed >>> 0
  return (below) => {
    a = (a + 0x6d2b79f5) >>> 0
    let t = Math.imul(a ^ (a >>> 15), a | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

export interface History {
  readonly world: GroupWorld
  /** All that was written, valid or not, each after its parents. */
  readonly ops: readonly GroupOp[]
  readonly people: readonly Person[]
}

const NAMES = ['ann', 'bob', 'cat', 'dan', 'eve']

/** A history of `steps` valid operations by five people, and of some that are not. */
export function randomHistory(seed: number, steps: number): History {
  const next = numbersFrom(seed)
  const people = NAMES.map((name) => person(name))
  const [ann = person('ann')] = people
  const world = new GroupWorld(ann, next(2) === 0 ? 0 : 2)
  const [, bob = ann, cat = ann, dan = ann] = people
  world.add(ann, [bob, cat, dan])
  if (next(3) > 0) world.write(ann, roleOf(bob, 2))
  if (next(3) > 0) world.write(ann, roleOf(cat, 1))
  const ops: GroupOp[] = [...world.ops]
  const pick = <T>(from: readonly T[]): T => from[next(from.length)] as T
  const someList = (who: Person): DraftPayload => {
    const devices = [who.device, deviceOf(who.name, 2), deviceOf(who.name, 3)]
    const kept = devices.filter(() => next(3) > 0)
    const listed = kept.length === 0 ? [who.device] : kept
    const revoked = devices.filter((device) => !listed.some((one) => equalBytes(one, device)))
    return listOf(fakeList(who.account, 1 + next(4), listed, next(2) === 0 ? revoked : []))
  }
  const payload = (): DraftPayload => {
    const target = pick(people)
    switch (next(14)) {
      case 0:
      case 1:
      case 2:
        return addOf(pick(world.ops), [target])
      case 3:
      case 4:
        return removeOf(target)
      case 5:
      case 6:
        return roleOf(target, next(3) as 0 | 1 | 2)
      case 7:
      case 8:
        return someList(target)
      case 9:
        return next(3) === 0 ? leave : { kind: 'rotate', ownN: 0 }
      case 10:
        return { kind: 'meta', name: `name ${next(3)}`, settings: next(2) === 0 ? 2 : undefined }
      case 11:
      case 12:
        return roleOf(pick(people.slice(1, 4)), next(3) as 0 | 1 | 2)
      default:
        return {
          kind: 'refresh',
          epochOp: pick(world.ops).id,
          devices: [deviceOf(target.name, 1 + next(3))],
        }
    }
  }
  for (let step = 0; step < 3 * steps && world.ops.length < steps; step++) {
    // Owners and admins are where things go wrong.
    const author = next(3) === 0 ? pick(people) : pick(people.slice(0, 3))
    // A late or lying author stands on anything that is there.
    const seen =
      next(2) === 0
        ? [pick(next(3) === 0 ? world.ops : world.ops.slice(-8)), pick(world.ops.slice(-6))]
        : undefined
    const history = world.dag.history
    const heads =
      seen === undefined
        ? undefined
        : history
            .headsOf(history.closure(seen.map(({ id }) => history.find(id)?.index ?? 0)))
            .map((index) => history.at(index).op)
    const device = next(4) === 0 ? deviceOf(author.name, 2) : author.device
    const on = heads === undefined ? {} : { on: heads }
    const op = world.forge(author, payload(), { device, salt: step, ...on })
    ops.push(op)
    if (world.dag.add(op).kind === 'accepted') world.ops.push(op)
  }
  return { world, ops, people }
}
