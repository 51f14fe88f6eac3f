// A group that has used up its operations (SPEC.md §19.2): it says so, once, and people go on talking.
import { expect, test, vi } from 'vitest'
import { teamOfThree } from '../sim/group-team.ts'
import type { Person } from '../sim/world.ts'

// 4,096 and 8,192 of them would take hours; nothing but the numbers is another.
vi.mock('../../protocol/group-limits.ts', async (original) => ({
  ...(await original<object>()),
  GROUP_OPS_MAX: 5,
  GROUP_OPS_HARD_MAX: 8,
}))

const DAY_MS = 86_400_000

test(
  'without operations left people talk on, and are told once',
  { timeout: 300_000 },
  async () => {
    const three = await teamOfThree('used up', { keepTrace: true })
    const { world, simulation, alice, bob, carol, team } = three
    const people = [alice, bob, carol]
    const groups = ({ machine }: Person) => machine.program.node.groups
    const used = { code: 'LIMIT', hint: expect.stringMatching(/new group/u) }
    await simulation.settle(groups(alice).role('#team', bob.address, 'admin'))
    await simulation.settle(groups(alice).role('#team', bob.address, 'member'))
    // What a group cannot do without goes on a little longer.
    await expect(
      simulation.settle(groups(alice).role('#team', bob.address, 'admin')),
    ).rejects.toMatchObject(used)
    for (let i = 0; i < 3; i++) await simulation.settle(groups(alice).rotate('#team'))
    await expect(simulation.settle(groups(alice).rotate('#team'))).rejects.toMatchObject(used)
    await expect(
      simulation.settle(groups(alice).remove('#team', bob.address)),
    ).rejects.toMatchObject(used)
    for (const person of people) await team.say(person)
    expect(await team.settled(people)).toEqual([])
    // New keys are due, and cannot be made.
    for (let week = 0; week < 3; week++) {
      await simulation.run(8 * DAY_MS)
      for (const person of people) await team.say(person)
      expect(await team.settled(people)).toEqual([])
    }
    for (const person of people) {
      expect((await team.view(person))?.problem).toMatch(/used up its operations/u)
      const told = world.oracle.warnings
      expect([...told].filter((one) => one === `${person.name} GROUP_USED_UP`)).toHaveLength(1)
    }
    expect(simulation.lines.filter((line) => / log \w+ (group|upkeep) /u.test(line))).toEqual([])
  },
)
