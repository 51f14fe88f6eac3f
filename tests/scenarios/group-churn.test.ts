// A group under random churn: members speak, are removed and come back, crash, are cut off (SPEC.md §21).
import { expect, test } from 'vitest'
import { Team } from '../sim/group-team.ts'
import { Prng } from '../sim/prng.ts'
import { type Person, World } from '../sim/world.ts'

const STEPS = 40
const SEEDS = Number(process.env['SOTTO_GROUP_SEEDS'] ?? '2')
const FIRST = Number(process.env['SOTTO_GROUP_FIRST'] ?? '1')

async function churn(seed: number): Promise<readonly string[]> {
  const world = new World(`group churn ${seed}`)
  const prng = new Prng(seed).split('churn')
  const relay = await world.relay()
  const people: Person[] = []
  for (const name of ['alice', 'bob', 'carol', 'dave']) people.push(await world.person(name))
  const [alice, ...others] = people as [Person, Person, Person, Person]
  const team = new Team(world)
  await team.create(alice)
  const link = await team.link(alice)
  for (const person of others) await team.join(person, link)
  const { simulation } = world
  const isUp = (person: Person): boolean => person.machine.running
  const pick = (from: readonly Person[]): Person | undefined =>
    from[prng.integer(0, from.length - 1)]
  for (let step = 0; step < STEPS; step++) {
    const person = pick(people.filter(isUp))
    if (person === undefined) continue
    const view = await team.view(person)
    const dice = prng.integer(0, 99)
    const { groups } = person.machine.program.node
    if (dice < 45) {
      if (view?.state === 'joined') await team.say(person)
    } else if (dice < 55 && view?.role !== 'member' && view?.state === 'joined') {
      const target = pick(others)
      const removed = groups.remove('#team', target?.address ?? '')
      await simulation.settle(removed.catch(() => undefined))
    } else if (dice < 62 && view?.state === 'joined' && view.role !== 'member') {
      const target = pick(others)
      const role = prng.chance(0.5) ? ('admin' as const) : ('member' as const)
      const given = groups.role('#team', target?.address ?? '', role)
      await simulation.settle(given.catch(() => undefined))
    } else if (dice < 72) {
      const fresh = isUp(alice) ? await team.link(alice).catch(() => undefined) : undefined
      const state = view?.state
      if (fresh !== undefined && person !== alice && (state === 'removed' || state === 'left')) {
        await simulation.settle(groups.join(fresh).catch(() => undefined))
      }
    } else if (dice < 78 && person !== alice && view?.state === 'joined') {
      await simulation.settle(groups.leave('#team').catch(() => undefined))
    } else if (dice < 82 && view?.state === 'joined') {
      await simulation.settle(groups.rotate('#team').catch(() => undefined))
    } else if (dice < 88) {
      for (let i = prng.integer(0, 30); i > 0; i--) await simulation.step()
      person.machine.crash({ keepsAll: prng.chance(0.5) })
      await world.start(person)
    } else if (dice < 92) {
      simulation.partition([relay.machine.name], [person.name])
    } else if (dice < 95) simulation.heal()
    else if (person !== alice) {
      await world.stop(person)
      await simulation.run(prng.integer(1_000, 600_000))
      await world.start(person)
    }
    await simulation.run(prng.integer(0, 8_000))
  }
  simulation.heal()
  for (const person of people) if (!isUp(person)) await world.start(person)
  await simulation.run(60_000)
  return team.settled(people, 6 * 3_600_000)
}

test.each(Array.from({ length: SEEDS }, (_, i) => FIRST + i))(
  'ends with one membership, one order, and nothing lost: seed %i',
  { timeout: 120_000 },
  async (seed) => {
    expect(await churn(seed)).toEqual([])
  },
)
