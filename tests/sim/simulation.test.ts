import { describe, expect, test } from 'vitest'
import { u32 } from '../../crypto/index.ts'
import type { FrameStream } from '../../node/transport.ts'
import { eachSeed } from './seeds.ts'
import { type Machine, type Ports, type Program, Simulation } from './simulation.ts'

const PROTOCOL = { id: '/sotto/sim/1', maxFrameBytes: 200_000 }
const ADDRESS = '/ip4/10.0.0.1/tcp/4001'

interface Server extends Program {
  readonly frames: Uint8Array[]
  readonly errors: (Error | undefined)[]
  readonly streams: FrameStream[]
}

/** `hasty` answers before the write is durable: the defect the simulator is there to find. */
async function server(
  { network, random, openStore }: Ports,
  hasty: boolean = false,
): Promise<Server> {
  const store = await openStore()
  const host = await network.createHost({ seed: random(32), listen: [ADDRESS], role: 'relay' })
  const frames: Uint8Array[] = []
  const errors: (Error | undefined)[] = []
  const streams: FrameStream[] = []
  await host.handle(PROTOCOL, (stream) => {
    streams.push(stream)
    stream.onClose((error) => errors.push(error))
    stream.onFrame((frame) => {
      frames.push(frame)
      const key = frame.slice(0, 4)
      // Answered once durable: what every node of ours does.
      const written = store.write([{ key, value: frame }])
      if (hasty) stream.send(key)
      else void written.then(() => stream.send(key))
    })
  })
  return {
    frames,
    errors,
    streams,
    stop: async () => {
      await host.stop()
      await store.close()
    },
  }
}

interface Client extends Program {
  readonly acknowledged: Set<number>
  readonly lost: number
}

interface Work {
  readonly count: number
  readonly first?: number
  /** Between two frames. */
  readonly paceMs?: number
}

/** Sends numbers until each is acknowledged, over as many connections as it takes. */
async function client(ports: Ports, { count, first = 0, paceMs = 0 }: Work): Promise<Client> {
  const { clock, network, random } = ports
  const host = await network.createHost({ seed: random(32), listen: [], role: 'courier' })
  const state = { acknowledged: new Set<number>(), lost: 0, stop: () => host.stop() }
  const connect = async (): Promise<void> => {
    try {
      const stream = await host.dial(ADDRESS, PROTOCOL, { signal: clock.timeout(5000) })
      const closed = new Promise<void>((resolve) => {
        stream.onClose(() => resolve())
      })
      stream.onFrame((frame) => {
        state.acknowledged.add(new DataView(frame.buffer, frame.byteOffset).getUint32(0))
      })
      for (let n = first; n < first + count; n++) {
        if (state.acknowledged.has(n)) continue
        const frame = new Uint8Array(4 + (random(2)[0] ?? 0))
        frame.set(u32(n))
        if (!stream.send(frame)) await stream.drained()
        await clock.sleep(paceMs)
      }
      if (state.acknowledged.size < count) await closed
    } catch {
      // Whatever broke it: the loop below tries again.
    }
    state.lost += 1
  }
  void (async () => {
    while (state.acknowledged.size < count) {
      await connect()
      await clock.sleep(1000)
    }
  })()
  return state
}

interface World {
  readonly simulation: Simulation
  readonly relay: Machine<Server>
  readonly alice: Machine<Client>
}

function world(seed: string | number, work: Work, hasty = false): World {
  const simulation = new Simulation(seed, { keepTrace: true })
  return {
    simulation,
    relay: simulation.machine('relay', (ports) => server(ports, hasty)),
    alice: simulation.machine('alice', (ports) => client(ports, work)),
  }
}

async function start(world: World): Promise<void> {
  await world.simulation.settle(world.relay.start())
  await world.simulation.settle(world.alice.start())
}

async function stormyRun(
  seed: string | number,
  hasty = false,
): Promise<{ simulation: Simulation; missing: number }> {
  const { simulation, relay, alice } = world(seed, { count: 40, paceMs: 30 }, hasty)
  const faults = simulation.seeds.split('test')
  relay.disk().settings = { ...relay.disk().settings, syncMs: [1, 60], slowSyncChance: 0.05 }
  await start({ simulation, relay, alice })
  for (let i = 0; i < 12; i++) {
    await simulation.run(faults.integer(1, 400))
    const fault = faults.integer(0, 4)
    if (fault === 0) simulation.reset('alice', 'relay')
    if (fault === 1) simulation.partition(['alice'], ['relay'])
    if (fault === 2) simulation.stall('relay', 'alice')
    if (fault === 3) {
      relay.crash({ keepsAll: faults.chance(0.5) })
      await simulation.run(faults.integer(0, 3000))
      await simulation.settle(relay.start())
    }
    if (faults.chance(0.5)) simulation.heal()
  }
  simulation.heal()
  await simulation.until(() => alice.program.acknowledged.size === 40)
  // What was acknowledged is on the disk, through every crash.
  const stored = new Set(
    relay.disk().rows.map(([key]) => new DataView(key.buffer, key.byteOffset).getUint32(0)),
  )
  const missing = [...alice.program.acknowledged].filter((n) => !stored.has(n)).length
  return { simulation, missing }
}

describe('the simulator', () => {
  test('runs the same seed the same way, and another another way', async () => {
    const hashes = new Set<string>()
    for (const seed of ['a', 'b', 'c']) {
      const first = (await stormyRun(seed)).simulation
      const second = (await stormyRun(seed)).simulation
      expect(second.lines).toEqual(first.lines)
      expect(second.traceHash).toBe(first.traceHash)
      expect(second.events).toBe(first.events)
      hashes.add(first.traceHash)
    }
    expect(hashes.size).toBe(3)
  })

  test('a program that answers when durable survives every storm', async () => {
    await eachSeed(25, async (seed) => {
      const { simulation, missing } = await stormyRun(seed)
      expect(missing).toBe(0)
      return simulation
    })
  })

  test('one that answers before that is caught', async () => {
    let caught = 0
    for (let seed = 0; seed < 25; seed++) {
      if ((await stormyRun(seed, true)).missing > 0) caught += 1
    }
    expect(caught).toBeGreaterThan(0)
  })

  test('frames arrive in order and whole, however the wire cuts them', async () => {
    const { simulation, relay, alice } = world('order', { count: 300 })
    await start({ simulation, relay, alice })
    await simulation.until(() => alice.program.acknowledged.size === 300)
    const numbers = relay.program.frames.map((frame) =>
      new DataView(frame.buffer, frame.byteOffset).getUint32(0),
    )
    expect(numbers).toEqual(Array.from({ length: 300 }, (_, n) => n))
  })

  test('a partition breaks connections, and dials fail until it heals', async () => {
    const { simulation, relay, alice } = world('partition', { count: 1 })
    await start({ simulation, relay, alice })
    await simulation.until(() => alice.program.acknowledged.size === 1)
    simulation.partition(['alice'], ['relay'])
    await simulation.run(60_000)
    expect(relay.program.errors).toEqual([expect.objectContaining({ code: 'CONNECTION_LOST' })])
    const bob = simulation.machine('alice', (ports) => client(ports, { count: 1, first: 100 }))
    alice.crash()
    await simulation.settle(bob.start())
    await simulation.run(60_000)
    expect(bob.program.acknowledged.size).toBe(0)
    expect(bob.program.lost).toBeGreaterThan(3)
    simulation.heal()
    await simulation.until(() => bob.program.acknowledged.size === 1, 10_000)
  })

  test('a stall holds one way back and loses nothing', async () => {
    const { simulation, relay, alice } = world('stall', { count: 30 })
    await start({ simulation, relay, alice })
    await simulation.until(() => relay.program.streams.length === 1)
    simulation.stall('relay', 'alice')
    await simulation.run(20_000)
    expect(relay.program.frames).toHaveLength(30)
    expect(alice.program.acknowledged.size).toBe(0)
    simulation.heal()
    await simulation.until(() => alice.program.acknowledged.size === 30)
  })

  test('a reset in mid-frame delivers whole frames only', async () => {
    const { simulation, relay } = world('reset', { count: 0 })
    await simulation.settle(relay.start())
    simulation.wire.settings = { ...simulation.wire.settings, bytesPerMs: 100 }
    const bob = simulation.machine('bob', async ({ network, random }) => {
      const host = await network.createHost({ seed: random(32), listen: [], role: 'courier' })
      const stream = await host.dial(ADDRESS, PROTOCOL)
      for (let n = 0; n < 20; n++) stream.send(new Uint8Array(50_000).fill(n))
      return { stop: () => host.stop() }
    })
    await simulation.settle(bob.start())
    await simulation.until(() => relay.program.frames.length >= 2)
    simulation.reset('bob', 'relay')
    await simulation.run(10_000)
    const { frames, errors } = relay.program
    expect(frames.length).toBeLessThan(20)
    expect(
      frames.every((frame, n) => frame.length === 50_000 && frame.every((byte) => byte === n)),
    ).toBe(true)
    expect(errors).toEqual([expect.objectContaining({ code: 'CONNECTION_LOST' })])
  })

  test('nothing comes back to a program that crashed', async () => {
    const simulation = new Simulation('life')
    const after: string[] = []
    let ports: Ports | undefined
    const machine = simulation.machine('one', async (given) => {
      ports = given
      const store = await given.openStore()
      given.clock.after(1000, () => after.push('timer'))
      void given.clock.sleep(1000).then(() => after.push('sleep'))
      void store.write([{ key: u32(1), value: u32(1) }]).then(() => after.push('write'))
      return { stop: async () => undefined }
    })
    await simulation.settle(machine.start())
    machine.crash()
    void ports?.clock.sleep(1).then(() => after.push('late sleep'))
    void ports?.openStore().then(() => after.push('late store'))
    await simulation.run(100_000)
    expect(after).toEqual([])
    // The machine itself goes on: its disk and its name are free.
    await simulation.settle(machine.start())
    expect(machine.running).toBe(true)
  })

  test('a wait that cannot end says so, with the seed', async () => {
    const simulation = new Simulation(4711)
    await expect(simulation.settle(new Promise(() => undefined))).rejects.toThrow(/seed 4711/)
    simulation.machine('loop', async () => ({ stop: async () => undefined }))
    const clock = simulation.clock.port()
    const forever = (async () => {
      while (!simulation.lines.includes('never')) await clock.sleep(3600_000)
    })()
    await expect(simulation.settle(forever, 24 * 3600_000)).rejects.toThrow(/not within/)
  })
})
