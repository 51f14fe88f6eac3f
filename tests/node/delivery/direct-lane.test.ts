// The lane of one device's direct stream: which stream it works on, and what a busy peer costs.
import { describe, expect, test } from 'vitest'
import { equalBytes } from '../../../crypto/index.ts'
import type { Core } from '../../../node/core.ts'
import { DirectLane } from '../../../node/delivery/direct-lane.ts'
import type { DirectLink } from '../../../node/direct/direct-link.ts'
import { NodeError } from '../../../node/errors.ts'
import type { Ledger } from '../../../node/ledger/ledger.ts'
import { nativeCrypto } from '../../../node/native-crypto.ts'
import type { GuardedClock } from '../../../node/relay/guarded-clock.ts'
import { type Answer, BACKOFF_MAX_MS, type Step, type Turn } from '../../../protocol/index.ts'
import { SumsKeeper } from '../../../node/sums.ts'
import { VirtualClock } from '../../sim/virtual-clock.ts'
import { Person, settle } from '../../support/person.ts'
import { seededRandom } from '../../support/seeded-random.ts'

/** Lets promises that are due run. */
const turns = () => new Promise((resolve) => setImmediate(resolve))

/** A stream whose greeting and answers the test gives. */
class FakeLink {
  open = true
  hasRoom = true
  readonly remoteKey: Uint8Array
  readonly sent: Uint8Array[] = []
  greet: () => void = () => undefined
  die: (error: Error) => void = () => undefined
  readonly #greeted: Promise<void>
  answers: Omit<Answer, 'seq'>[] = []

  constructor(remoteKey: Uint8Array, greeted = true) {
    this.remoteKey = remoteKey
    this.#greeted = new Promise((resolve, reject) => {
      this.greet = resolve
      this.die = reject
    })
    if (greeted) this.greet()
  }
  ready(): Promise<void> {
    return this.#greeted
  }
  room(): Promise<void> {
    return Promise.resolve()
  }
  envelope(_sid: Uint8Array, inner: Uint8Array): Promise<Omit<Answer, 'seq'> | undefined> {
    this.sent.push(inner)
    return Promise.resolve(this.answers.shift() ?? { code: 'committed', detail: 0 })
  }
  get link(): DirectLink {
    return this as unknown as DirectLink
  }
}

function setUp() {
  const alice = new Person({ name: 'alice', seed: 'lane' })
  const bob = new Person({ name: 'bob', seed: 'lane' })
  alice.add(bob.invite())
  alice.take(bob)
  settle([alice, bob])
  for (const text of ['one', 'two']) alice.send(bob, text)
  alice.prepare(bob)
  const time = new VirtualClock()
  const run = <T>(machine: (turn: Turn) => Step<T>): Promise<T> =>
    new Promise((resolve) => resolve(alice.driver.run(machine)))
  const ledger = { run, read: run, writable: true }
  const core: Core = {
    ledger: ledger as unknown as Ledger,
    clock: time.port(),
    guarded: {} as GuardedClock,
    random: seededRandom('lane'),
    provider: nativeCrypto,
    self: alice.self,
    sums: new SumsKeeper(),
    stopping: new AbortController().signal,
    log: () => undefined,
  }
  const lane = new DirectLane(core, bob.device, () => undefined)
  return { lane, home: bob.transportKey, time, ledger }
}

describe('a direct lane', () => {
  test('goes on with the newer of two streams where it waited for the older one', async () => {
    for (const dies of [true, false]) {
      const { lane, home } = setUp()
      const old = new FakeLink(home, false)
      const running = lane.run(old.link)
      const newer = new FakeLink(home)
      await lane.run(newer.link)
      old.open = false
      if (dies) old.die(new Error('the stream ended'))
      else old.greet()
      await running
      expect(old.sent).toEqual([])
      expect(newer.sent.length).toBe(2)
    }
  })

  test('offers again what a busy peer turned away, when it said, and not before', async () => {
    const { lane, home, time } = setUp()
    const fake = new FakeLink(home)
    fake.answers = [{ code: 'busy', detail: 5_000 }]
    const running = lane.run(fake.link)
    await turns()
    expect(fake.sent.length).toBe(1)
    // A command that waits for what is under way does not wait out the pause.
    expect(lane.active).toBe(false)
    expect(time.nextAtMs()).toBe(time.elapsedMs + 5_000)
    time.step()
    await running
    expect(fake.sent.length).toBe(3)
    expect(fake.sent.filter((inner) => equalBytes(inner, fake.sent[0] ?? inner)).length).toBe(2)
  })

  test('asks once more for an answer that could not be noted', async () => {
    const { lane, home, time, ledger } = setUp()
    const { run } = ledger
    let refused = 0
    ledger.run = <T>(machine: (turn: Turn) => Step<T>): Promise<T> => {
      if (refused > 0) return run(machine)
      refused += 1
      return Promise.reject(new NodeError('BUSY', 'calls wait', { retryable: true }))
    }
    const fake = new FakeLink(home)
    const running = lane.run(fake.link)
    await turns()
    expect(refused).toBe(1)
    time.step()
    await running
    await turns()
    expect(fake.sent.filter((inner) => equalBytes(inner, fake.sent[0] ?? inner)).length).toBe(2)
    expect(fake.sent.length).toBe(3)
    expect(lane.active).toBe(false)
  })

  test('is not put off for weeks by one answer', async () => {
    const { lane, home, time } = setUp()
    const fake = new FakeLink(home)
    fake.answers = [{ code: 'busy', detail: 0xffffffff }]
    const running = lane.run(fake.link)
    await turns()
    expect(time.nextAtMs()).toBe(time.elapsedMs + BACKOFF_MAX_MS)
    time.step()
    await running
    expect(fake.sent.length).toBe(3)
  })
})
