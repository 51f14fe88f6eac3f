import { expect, test } from 'vitest'
import { World } from '../sim/world.ts'

const DAY_MS = 86_400_000
/** Crash points: events of the simulation after the tenth message was queued. */
const LAST_STEP = 168
const STRIDE = 8
/** Who was not reachable is tried again within this, once it is back. */
const PROMPT_MS = 60_000

test.each([
  ['kill -9 of the inviter', { victim: 'bob', keepsAll: true, dialable: true, downMs: 0 }],
  [
    'kill -9, and away for a while',
    { victim: 'bob', keepsAll: true, dialable: true, downMs: 5_000 },
  ],
  ['a power cut', { victim: 'bob', keepsAll: false, dialable: true, downMs: 5_000 }],
  [
    'kill -9 where the invitee only dials',
    { victim: 'bob', keepsAll: true, dialable: false, downMs: 5_000 },
  ],
  ['kill -9 of the invitee', { victim: 'alice', keepsAll: true, dialable: true, downMs: 5_000 }],
] as const)(
  'ten messages right after add, without a relay, through %s: all there once both are back',
  { timeout: 120_000 },
  async (_, { victim, keepsAll, dialable, downMs }) => {
    for (let step = 0; step < LAST_STEP; step += STRIDE) {
      const world = new World(`unfinished ${victim} ${keepsAll} ${dialable} ${downMs} ${step}`)
      const bob = await world.person('bob', { direct: true })
      const alice = await world.person('alice', { direct: dialable })
      const link = await world.invite(bob)
      const { contacts } = alice.machine.program.node
      await world.simulation.settle(contacts.add(link, { name: 'bob' }))
      await world.sendMany(alice, bob, 10)
      for (let i = 0; i < step; i++) await world.simulation.step()
      const killed = victim === 'bob' ? bob : alice
      killed.machine.crash({ keepsAll })
      await world.simulation.run(downMs)
      await world.start(killed)
      expect([step, await world.settled(PROMPT_MS)]).toEqual([step, []])
      expect(world.oracle.acknowledged).toBe(10)
    }
  },
)

test('who only dials is let in for good, after the invite has ended and all were restarted', async () => {
  const world = new World('only dials')
  const bob = await world.person('bob', { direct: true })
  const alice = await world.person('alice')
  await world.introduce(bob, alice)
  await world.send(alice, bob)
  expect(await world.settled()).toEqual([])
  await world.stop(bob)
  await world.stop(alice)
  await world.simulation.run(3 * DAY_MS)
  await world.start(bob)
  await world.start(alice)
  await world.send(alice, bob)
  await world.send(bob, alice)
  expect(await world.settled()).toEqual([])
})

test('a first contact that was cut short goes on after the invite has ended', async () => {
  const world = new World('cut short')
  const bob = await world.person('bob', { direct: true })
  const alice = await world.person('alice', { direct: true })
  const link = await world.invite(bob)
  await world.simulation.settle(alice.machine.program.node.contacts.add(link, { name: 'bob' }))
  await world.sendMany(alice, bob, 10)
  // Bob has read something of hers, and nothing of where she is.
  const read = async (): Promise<number> => (await world.oracle.chat(bob, alice)).length
  while ((await read()) === 0) await world.simulation.step()
  bob.machine.crash()
  await world.simulation.run(3 * DAY_MS)
  await world.start(bob)
  expect(await world.settled()).toEqual([])
  expect(world.oracle.acknowledged).toBe(10)
})
