// Somebody joins while another member, who does not know it, cannot reach the group's relays.
import { expect, test } from 'vitest'
import { Team } from '../sim/group-team.ts'
import { World } from '../sim/world.ts'

test(
  'a newcomer reads nothing that was said without knowing of it',
  { timeout: 60_000 },
  async () => {
    const world = new World('newcomer')
    const { simulation } = world
    const relay = await world.relay()
    const alice = await world.person('alice')
    const carol = await world.person('carol')
    const bob = await world.person('bob')
    const team = new Team(world)
    const { link } = await team.gather([alice, carol])
    expect(await team.settled([alice, carol])).toEqual([])
    bob.machine.program.node.groups.join(link).catch(() => undefined)
    while ((await team.view(alice))?.members.length !== 3) await simulation.step()
    // What she says stays with her, what others say still comes: she hears of the newcomer first.
    simulation.stall('carol', relay.machine.name)
    expect((await team.view(carol))?.members).toHaveLength(2)
    const text = await team.say(carol)
    await team.until(carol, ({ members }) => members.length === 3)
    await simulation.run(70_000)
    simulation.heal()
    expect(await team.settled([alice, carol, bob])).toEqual([])
    await simulation.run(600_000)
    const shown = (await team.read(bob)).map((message) => message.text)
    expect(shown).not.toContain(text)
  },
)
