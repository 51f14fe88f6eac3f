// What is shown as delivered in a group was delivered, and what was delivered is shown so: who came back
// gets headers of what was said meanwhile, and nothing that it says of those makes anybody believe that
// it has them; who was away when others said what they hold learns it when it is back.
import { expect, test } from 'vitest'
import { Team, teamOfThree } from '../sim/group-team.ts'
import { World } from '../sim/world.ts'

test(
  'what was said while somebody was out is not delivered by its return',
  { timeout: 60_000 },
  async () => {
    const world = new World('said without')
    const { simulation } = world
    await world.relay()
    const alice = await world.person('alice')
    const bob = await world.person('bob')
    const team = new Team(world)
    await team.gather([alice, bob])
    const { groups, chats } = alice.machine.program.node
    await simulation.settle(groups.remove('#team', bob.address))
    const text = await team.say(alice)
    const id = team.said.at(-1)?.id ?? ''
    await team.join(bob, await team.link(alice))
    const later = await team.say(alice)
    expect(await team.settled([alice, bob])).toEqual([])
    await simulation.run(600_000)
    const shown = await team.read(bob)
    expect(shown.map((one) => [one.kind, one.text])).toEqual([
      ['absent', 'said while you were not in the group'],
      ['text', later],
    ])
    const stateOf = async (words: string) =>
      (await team.read(alice)).find((one) => one.text === words)?.state
    expect(await stateOf(text)).toBe('relayed')
    expect(await stateOf(later)).toBe('delivered')
    const why = await simulation.settle(chats.why(id))
    expect(why.steps.map(({ what }) => what)).toEqual(['queued', 'relayed'])
    expect(why.missing).toEqual([])
  },
)

test(
  'who was away while all talked on sees what they got, when it is back',
  { timeout: 60_000 },
  async () => {
    const three = await teamOfThree('away while they talked')
    const { world, simulation, relay, alice, bob, carol, team } = three
    const people = [alice, bob, carol]
    for (const person of people) await team.say(person)
    expect(await team.settled(people)).toEqual([])
    await simulation.run(600_000)
    simulation.partition(['bob', 'carol'], ['alice', relay.machine.name])
    const text = await team.say(alice)
    await simulation.run(10_000)
    await world.stop(alice)
    simulation.heal()
    // Each frontier takes the place of the one before at the relay.
    for (let round = 0; round < 2; round++) {
      await simulation.run(120_000)
      await team.say(bob)
      await team.say(carol)
    }
    await simulation.run(120_000)
    await world.start(alice)
    await simulation.run(60_000)
    const shown = (await team.read(alice)).find((one) => one.text === text)
    expect(shown?.state).toBe('delivered')
  },
)

test(
  "what one said before one knew of one's removal is explained, and never shown as delivered",
  { timeout: 60_000 },
  async () => {
    const three = await teamOfThree('said too late')
    const { simulation, relay, alice, bob, carol, team } = three
    await team.say(bob)
    expect(await team.settled([alice, bob, carol])).toEqual([])
    simulation.partition(['bob'], ['alice', 'carol', relay.machine.name])
    await simulation.settle(alice.machine.program.node.groups.remove('#team', bob.address))
    const text = await team.say(bob)
    const id = team.said.at(-1)?.id ?? ''
    simulation.heal()
    await team.until(bob, ({ state }) => state === 'removed')
    await team.join(bob, await team.link(alice))
    await team.say(bob)
    await team.say(alice)
    await simulation.run(600_000)
    expect((await team.read(alice)).find((one) => one.id === id)?.kind).toBe('absent')
    const shown = (await team.read(bob)).find((one) => one.text === text)
    expect(shown?.state).not.toBe('delivered')
    const why = await simulation.settle(bob.machine.program.node.chats.why(id))
    expect(why.steps.map(({ what }) => what)).not.toContain('delivered')
    expect(why.missing).toEqual([expect.stringContaining('you were removed before it was written')])
  },
)

test('what waits for a relay when one leaves waits for no key', { timeout: 60_000 }, async () => {
  const world = new World('left behind')
  const { simulation } = world
  const relay = await world.relay()
  const [alice, bob] = [await world.person('alice'), await world.person('bob')]
  const team = new Team(world)
  await team.gather([alice, bob])
  simulation.partition(['bob', 'courier of bob'], ['alice', relay.machine.name])
  await team.say(bob)
  const id = team.said.at(-1)?.id ?? ''
  const { groups, chats } = bob.machine.program.node
  await simulation.settle(groups.leave('#team'))
  const why = await simulation.settle(chats.why(id))
  expect(why.state).toBe('queued')
  for (const what of why.missing) expect(what).not.toContain('key')
  simulation.heal()
  expect(await team.settled([alice])).toEqual([])
})
