import { describe, expect, test } from 'vitest'
import type { Gossip, GossipVerdict } from '../../../node/gossip.ts'
import type { Ports } from '../../sim/simulation.ts'
import { gossipContract } from '../../contracts/gossip.ts'
import { Simulation } from '../../sim/simulation.ts'

gossipContract('the simulator', () => {
  const simulation = new Simulation('gossip contract')
  simulation.wire.settings = { ...simulation.wire.settings, gossipLossChance: 0 }
  let count = 0
  return {
    network: {
      createHost: (options) => simulation.network.machine(`m${count++}`).createHost(options),
    },
    listen: '/ip4/127.0.0.1/tcp/0',
    clock: simulation.clock.port(),
    until: (holds) => simulation.until(holds),
    pass: (ms) => simulation.run(ms),
    settle: (promise) => simulation.settle(promise),
  }
})

const TOPIC = '/sotto/1/g/aaaaaaaaaaaaaaaaaaaaaaaaaa'
const CONNECT = { id: '/sotto/test/1', maxFrameBytes: 1024 }

interface Member {
  readonly key: Uint8Array
  readonly address: string
  readonly gossip: Gossip
  readonly heard: number[]
  dial(other: Member): Promise<void>
  stop(): Promise<void>
}

async function boot({ network, clock, random }: Ports): Promise<Member> {
  const host = await network.createHost({
    seed: random(32),
    listen: ['/ip4/10.0.0.1/tcp/0'],
    role: 'home',
  })
  await host.handle(CONNECT, () => undefined)
  const heard: number[] = []
  const gossip = await host.startGossip({
    clock,
    validate: async ({ data }): Promise<GossipVerdict> => {
      heard.push(data[0] ?? 0)
      await clock.sleep(1)
      return 'accept'
    },
  })
  return {
    key: host.transportKey,
    address: host.addresses()[0] ?? '',
    gossip,
    heard,
    dial: async (other) => {
      await host.dial(other.address, CONNECT, { expectedKey: other.key })
    },
    stop: () => host.stop(),
  }
}

/** a - b - c in a line, all members. */
async function line(seed: string, gossipLossChance: number) {
  const simulation = new Simulation(seed)
  simulation.wire.settings = { ...simulation.wire.settings, gossipLossChance }
  const machines = ['a', 'b', 'c'].map((name) => simulation.machine(name, boot))
  const members: Member[] = []
  for (const machine of machines) members.push(await simulation.settle(machine.start()))
  const [a, b, c] = members as [Member, Member, Member]
  for (const { gossip } of members) {
    gossip.setPeers(
      TOPIC,
      members.map(({ key }) => key),
    )
    gossip.subscribe(TOPIC)
  }
  await simulation.settle(a.dial(b))
  await simulation.settle(b.dial(c))
  const publish = (from: Member, first: number) =>
    simulation.settle(from.gossip.publish(TOPIC, new Uint8Array(512).fill(first)))
  return { simulation, machines, a, b, c, publish }
}

describe('gossip under the simulator', () => {
  test('is lost by chance, the same by the same seed', async () => {
    const run = async (seed: string, chance: number) => {
      const { simulation, a, b, c, publish } = await line(seed, chance)
      for (let i = 0; i < 100; i++) {
        expect(await publish(a, i)).toBe(1)
        await simulation.run(50)
      }
      await simulation.run(5_000)
      return { b: b.heard, c: c.heard, hash: simulation.traceHash }
    }
    const once = await run('one', 0.2)
    expect(once.b.length).toBeGreaterThan(60)
    expect(once.b.length).toBeLessThan(95)
    expect(once.c.length).toBeLessThan(once.b.length)
    expect(await run('one', 0.2)).toEqual(once)
    expect((await run('two', 0.2)).b).not.toEqual(once.b)
    expect((await run('one', 0)).c).toHaveLength(100)
  })

  test('arrives out of order, late, and not at all through a stall or a partition', async () => {
    const { simulation, a, b, c, publish } = await line('three', 0)
    for (let i = 0; i < 100; i++) await publish(a, i)
    await simulation.run(5_000)
    expect(c.heard).toHaveLength(100)
    expect(c.heard).not.toEqual(c.heard.toSorted((x, y) => x - y))
    simulation.stall('b', 'c')
    expect(await publish(a, 200)).toBe(1)
    await simulation.run(5_000)
    expect(b.heard).toContain(200)
    simulation.heal()
    await simulation.run(5_000)
    expect(c.heard).not.toContain(200)
    await publish(a, 201)
    await simulation.run(5_000)
    expect(c.heard).toContain(201)
    simulation.partition(['c'], ['a', 'b'])
    await publish(a, 202)
    simulation.heal()
    await simulation.run(120_000)
    expect(await publish(b, 203)).toBe(1)
    await simulation.run(5_000)
    expect(c.heard).not.toContain(203)
    await simulation.settle(c.dial(b))
    expect(await publish(a, 204)).toBe(1)
    await simulation.run(5_000)
    expect(c.heard).toContain(204)
    expect(c.heard).not.toContain(202)
  })

  test('a member that crashes while it validates hands nothing on, and hears nothing more', async () => {
    const { simulation, machines, a, b, c, publish } = await line('four', 0)
    await publish(a, 1)
    await simulation.until(() => b.heard.length === 1)
    await simulation.run(5_000)
    expect(c.heard).toEqual([1])
    await publish(a, 2)
    await simulation.until(() => b.heard.length === 2)
    machines[1]?.crash()
    await publish(a, 3)
    await simulation.run(120_000)
    expect(b.heard).toEqual([1, 2])
    expect(c.heard).toEqual([1])
    expect(await publish(a, 4)).toBe(0)
  })
})
