// Two nodes' direct services on a network in memory: who may open a stream, and which of two stays.
import { describe, expect, test } from 'vitest'
import { type Bytes32, compareBytes } from '../../../crypto/index.ts'
import { type Clock, completeClock } from '../../../node/clock.ts'
import type { Core } from '../../../node/core.ts'
import { DIRECT_PROTOCOL, DirectService } from '../../../node/direct/direct-service.ts'
import { NodeError } from '../../../node/errors.ts'
import type { Ledger } from '../../../node/ledger/ledger.ts'
import { MemoryNetwork } from '../../../node/net/memory-network.ts'
import { nativeCrypto } from '../../../node/native-crypto.ts'
import type { GuardedClock } from '../../../node/relay/guarded-clock.ts'
import type { Host } from '../../../node/transport.ts'
import {
  type CardReply,
  type DirectFrame,
  type Step,
  type Turn,
  decodeDirectFrame,
  encodeDirectFrame,
  allInvites,
  blockContact,
  revokeInvite,
} from '../../../protocol/index.ts'
import { SumsKeeper } from '../../../node/sums.ts'
import { VirtualClock } from '../../sim/virtual-clock.ts'
import { Person, settle } from '../../support/person.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const BUNDLE: CardReply = {
  card: Uint8Array.of(1),
  opk: new Uint8Array(0),
  okem: new Uint8Array(0),
}

/** A ledger over a person's driver: every turn is durable at once, or fails. */
function ledgerOf(person: Person, failure: () => Error | undefined): Ledger {
  const read = <T>(machine: (turn: Turn) => Step<T>): Promise<T> =>
    new Promise((resolve) => resolve(person.driver.run(machine)))
  const run: typeof read = (machine) => {
    const error = failure()
    return error === undefined ? read(machine) : Promise.reject(error)
  }
  return { run, read } as unknown as Ledger
}

class World {
  readonly time = new VirtualClock()
  readonly clock = this.time.port()
  readonly network = new MemoryNetwork(this.clock)
  readonly stop = new AbortController()

  /** `clock`: of this node alone. */
  async node(name: string, seed: string, clock: Clock = this.clock) {
    const random = seededRandom(`${name} ${seed}`)
    const host = await this.network
      .machine(name)
      .createHost({ seed: random(32), listen: ['/ip4/127.0.0.1/tcp/0'], role: 'home' })
    const { transportKey } = host
    const person = new Person({ name, seed, home: { transportKey, addresses: host.addresses() } })
    person.driver.nowMs = this.clock.nowMs()
    person.driver.safeNowMs = person.driver.nowMs
    const core: Core = {
      ledger: ledgerOf(person, () => made.failing),
      clock,
      guarded: {} as GuardedClock,
      random,
      provider: nativeCrypto,
      self: person.self,
      sums: new SumsKeeper(),
      stopping: this.stop.signal,
      log: () => undefined,
    }
    const linked: Bytes32[] = []
    const service = new DirectService({
      core,
      host,
      onLink: (device) => {
        linked.push(device)
        made.onLink(device)
      },
      bundle: () => Promise.resolve(BUNDLE),
    })
    const made = {
      person,
      host,
      service,
      linked,
      failing: undefined as Error | undefined,
      onLink: (_device: Bytes32): void => undefined,
    }
    return made
  }

  /** Lets time pass, and everything that it brings. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.time.elapsedMs + ms
    for (let steps = 0; ; steps++) {
      if (steps > 20_000) throw new Error(`no rest at ${this.time.elapsedMs}`)
      // Streams flush on the next tick: microtasks alone would never let it come.
      for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve))
      if ((this.time.nextAtMs() ?? Infinity) > untilMs) break
      this.time.step()
    }
    this.time.skipTo(untilMs)
  }

  /** Two contacts whose nodes start; `before`: what happened to the inviter until then. */
  async friends(seed: string, before: (alice: Person, bob: Person) => void = () => undefined) {
    const alice = await this.node('alice', seed)
    const bob = await this.node('bob', seed)
    bob.person.add(alice.person.invite())
    bob.person.take(alice.person)
    settle([alice.person, bob.person])
    for (const { inviteId } of alice.person.driver.run(() => allInvites())) {
      alice.person.driver.run((turn) => revokeInvite(turn, inviteId))
    }
    before(alice.person, bob.person)
    await alice.service.start()
    await bob.service.start()
    return { alice, bob }
  }
}

/** A raw stream of a host that nobody knows. */
async function strangerStream(world: World, to: Host, name: string) {
  const random = seededRandom(name)
  const host = await world.network
    .machine(name)
    .createHost({ seed: random(32), listen: [], role: 'home' })
  const [address = ''] = to.addresses()
  const dialled = host.dial(address, DIRECT_PROTOCOL, { signal: world.stop.signal })
  await world.pass(100)
  const stream = await dialled
  const frames: DirectFrame[] = []
  stream.onFrame((frame) => frames.push(decodeDirectFrame(frame)))
  stream.send(encodeDirectFrame({ kind: 'hello', features: 0, maxFrameBytes: 66_560 }))
  await world.pass(100)
  return { stream, frames }
}

describe('two streams at once', () => {
  test.each(['one', 'two', 'three', 'four'])('end as one on both sides (%s)', async (seed) => {
    const world = new World()
    const { alice, bob } = await world.friends(seed)
    const dialled = Promise.all([
      alice.service.connect(bob.person.device),
      bob.service.connect(alice.person.device),
    ])
    await world.pass(5_000)
    const [fromAlice, fromBob] = await dialled
    const atAlice = alice.service.openLink(bob.person.device)
    const atBob = bob.service.openLink(alice.person.device)
    expect(atAlice?.open).toBe(true)
    expect(atBob?.open).toBe(true)
    // Both were told of the stream that is left, whoever opened it.
    expect(fromAlice === atAlice).toBe(true)
    expect(fromBob === atBob).toBe(true)
    // It is one stream: what goes in at one end comes out at the other.
    const sent = alice.person.send(bob.person, 'over the stream')
    alice.person.prepare(bob.person)
    const [item] = alice.person.outbox(bob.person)
    if (item?.message === undefined) throw new Error('nothing to send')
    const answered = atAlice?.envelope(item.message.sid, item.message.inner)
    await world.pass(1_000)
    expect((await answered)?.code).toBe('committed')
    expect(bob.person.texts(alice.person)).toEqual(['over the stream'])
    expect(sent.n).toBe(1)
    const mine = compareBytes(alice.host.transportKey, bob.host.transportKey) < 0
    expect(mine ? alice.service.counts.opened : bob.service.counts.opened).toBe(1)
  })
})

test('who could not be reached is dialled again, also where timers are early', async () => {
  const world = new World()
  const { time, clock } = world
  // setTimeout counts whole milliseconds, by a time that its loop read before.
  const early = completeClock({
    ...clock,
    after: (ms, run) => time.after(Math.max(0, ms - 3), run),
  })
  const alice = await world.node('alice', 'early', early)
  const bob = await world.node('bob', 'early')
  bob.person.add(alice.person.invite())
  bob.person.take(alice.person)
  settle([alice.person, bob.person])
  await alice.service.start()
  const { device } = bob.person
  await bob.host.stop()
  // As whoever carries does: each failure is followed by another attempt.
  alice.onLink = (one) => void alice.service.connect(one)
  void alice.service.connect(device)
  await world.pass(120_000)
  expect(alice.linked.length).toBeGreaterThan(4)
})

test('an envelope that cannot be written now is answered busy, and the stream stays', async () => {
  const world = new World()
  const { alice, bob } = await world.friends('full')
  const dialled = bob.service.connect(alice.person.device)
  await world.pass(1_000)
  const link = await dialled
  bob.person.send(alice.person, 'later')
  bob.person.prepare(alice.person)
  const message = bob.person.outbox(alice.person)[0]?.message
  if (link === undefined || message === undefined) throw new Error('nothing to send')
  alice.failing = new NodeError('DISK_FULL', 'no space left')
  const refused = link.envelope(message.sid, message.inner)
  await world.pass(1_000)
  expect(await refused).toMatchObject({ code: 'busy', detail: 10_000 })
  alice.failing = undefined
  const taken = link.envelope(message.sid, message.inner)
  await world.pass(1_000)
  expect((await taken)?.code).toBe('committed')
  alice.failing = new NodeError('INTERNAL', 'a defect')
  const dropped = link.envelope(message.sid, message.inner)
  await world.pass(1_000)
  expect(await dropped).toBeUndefined()
  expect(link.open).toBe(false)
})

test('a host that opens another stream lost the first one: the new one stays', async () => {
  // Whichever of the two keys is the smaller one.
  const orders = new Set<boolean>()
  for (const seed of ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight']) {
    const world = new World()
    const { alice, bob } = await world.friends(seed)
    const smaller = compareBytes(alice.host.transportKey, bob.host.transportKey) < 0
    if (orders.has(smaller)) continue
    orders.add(smaller)
    const first = alice.service.connect(bob.person.device)
    await world.pass(1_000)
    const lost = await first
    const [address = ''] = bob.host.addresses()
    const dialled = alice.host.dial(address, DIRECT_PROTOCOL, { signal: world.stop.signal })
    await world.pass(100)
    const stream = await dialled
    stream.onFrame(() => undefined)
    stream.send(encodeDirectFrame({ kind: 'hello', features: 0, maxFrameBytes: 66_560 }))
    await world.pass(1_000)
    expect(stream.open).toBe(true)
    expect(lost?.open).toBe(false)
    expect(bob.service.openLink(alice.person.device)?.open).toBe(true)
  }
  expect(orders.size).toBe(2)
})

describe('the home host that a contact names', () => {
  test('may be that of somebody else: it takes nothing from whose it is', async () => {
    const world = new World()
    const { alice, bob } = await world.friends('borrowed')
    const dialled = alice.service.connect(bob.person.device)
    await world.pass(1_000)
    expect(await dialled).toBeDefined()
    const home = { transportKey: bob.host.transportKey, addresses: bob.host.addresses() }
    const mallory = new Person({ name: 'mallory', seed: 'borrowed', home })
    mallory.add(alice.person.invite())
    mallory.take(alice.person)
    settle([alice.person, mallory])
    await alice.service.learn(mallory.device)
    expect(alice.service.openLink(bob.person.device)?.open).toBe(true)
  })

  test('is not let in where the contact was blocked before the start', async () => {
    const world = new World()
    const { alice, bob } = await world.friends('blocked', (one, other) => {
      one.driver.run((turn) => blockContact(turn, other.self.account, true))
    })
    const refused = bob.service.connect(alice.person.device)
    await world.pass(20_000)
    expect(await refused).toBeUndefined()
    expect(alice.service.counts).toMatchObject({ accepted: 0, refused: 1 })
  })
})

describe('strangers', () => {
  test('are turned away while no direct invite is live', async () => {
    const world = new World()
    const { alice } = await world.friends('closed')
    const { stream, frames } = await strangerStream(world, alice.host, 'mallory')
    expect(stream.open).toBe(false)
    expect(frames).toEqual([])
    expect(alice.service.counts.refused).toBe(1)
  })

  test('have four streams while one is, and a place is free again when one ends', async () => {
    const world = new World()
    const { alice } = await world.friends('four')
    alice.person.invite()
    const streams = []
    for (let i = 0; i < 5; i++) streams.push(await strangerStream(world, alice.host, `m${i}`))
    expect(streams.map(({ stream }) => stream.open)).toEqual([true, true, true, true, false])
    streams[0]?.stream.abort(new Error('gone'))
    await world.pass(1_000)
    expect((await strangerStream(world, alice.host, 'm5')).stream.open).toBe(true)
  })

  test('begin a session, or go on with one that is known; another ends the stream', async () => {
    const world = new World()
    const { alice, bob } = await world.friends('sessions')
    alice.person.invite()
    const sent = bob.person.send(alice.person, 'from a host that was never named')
    bob.person.prepare(alice.person)
    const message = bob.person.outbox(alice.person)[0]?.message
    if (message === undefined) throw new Error('nothing to send')
    const { inner } = message
    const unknown = await strangerStream(world, alice.host, 'mallory')
    const envelope = (sid: Uint8Array) =>
      encodeDirectFrame({ kind: 'envelope', seq: 1, volatile: false, sid, inner })
    unknown.stream.send(envelope(new Uint8Array(16).fill(9)))
    await world.pass(1_000)
    expect(unknown.frames.at(-1)).toEqual({ kind: 'goaway', reason: 1 })
    expect(unknown.frames.some(({ kind }) => kind === 'answers')).toBe(false)
    const known = await strangerStream(world, alice.host, 'bob elsewhere')
    known.stream.send(envelope(message.sid))
    await world.pass(1_000)
    expect(known.stream.open).toBe(true)
    expect(known.frames).toContainEqual({
      kind: 'answers',
      answers: [{ seq: 1, code: 'committed', detail: 0 }],
    })
    expect(alice.person.texts(bob.person)).toEqual(['from a host that was never named'])
    expect(sent.n).toBe(1)
  })

  test('have 256 KiB together', async () => {
    const world = new World()
    const { alice } = await world.friends('bytes')
    alice.person.invite()
    const { stream, frames } = await strangerStream(world, alice.host, 'mallory')
    const unknown = new Uint8Array(60_000)
    unknown[0] = 0x7f
    for (let i = 0; i < 4; i++) stream.send(unknown)
    await world.pass(1_000)
    expect(stream.open).toBe(true)
    for (let i = 0; i < 2; i++) stream.send(unknown)
    await world.pass(1_000)
    expect(frames.at(-1)).toEqual({ kind: 'goaway', reason: 3 })
    expect(stream.open).toBe(false)
  })

  test('get six bundles in ten minutes, on however many streams', async () => {
    const world = new World()
    const { alice } = await world.friends('bundles')
    alice.person.invite()
    const ask = encodeDirectFrame({ kind: 'card-request', inviteId: new Uint8Array(16) })
    const ends: unknown[] = []
    const askFor = async (count: number): Promise<number> => {
      const { stream, frames } = await strangerStream(world, alice.host, 'mallory')
      for (let i = 0; i < count; i++) stream.send(ask)
      await world.pass(1_000)
      stream.abort(new Error('done'))
      await world.pass(1_000)
      ends.push(frames.at(-1))
      return frames.filter((frame) => frame.kind === 'card' && frame.card.length > 0).length
    }
    expect([await askFor(4), await askFor(4), await askFor(4)]).toEqual([4, 2, 0])
    // Not refused, which would say for good that the link was used: later.
    const later = { kind: 'goaway', reason: 3 }
    expect(ends.slice(1)).toEqual([later, later])
    await world.pass(600_000)
    expect(await askFor(8)).toBe(6)
  })
})
