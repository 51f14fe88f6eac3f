// Statistics: what is counted, kept over restarts, and said.
import { expect, it } from 'vitest'
import { NodeError } from '../../node/errors.ts'
import type { Ledger } from '../../node/ledger/ledger.ts'
import { SumsKeeper, percentilesOf } from '../../node/sums.ts'
import type { Step, Turn } from '../../protocol/index.ts'
import { Person } from '../support/person.ts'
import { World } from '../sim/world.ts'

function ledgerOf() {
  const { driver } = new Person({ name: 'sums', seed: 'sums' })
  const run = <T>(machine: (turn: Turn) => Step<T>): Promise<T> =>
    new Promise((resolve) => resolve(driver.run(machine)))
  return { driver, ledger: { run } as unknown as Ledger }
}

it('percentiles are by nearest rank, at most a fifth too high', () => {
  const sums = new SumsKeeper()
  for (let ms = 1; ms <= 1_000; ms += 1) sums.time('direct', ms)
  const { driver } = ledgerOf()
  const { direct } = driver.run((turn) => sums.view(turn)).times
  expect(direct?.count).toBe(1_000)
  for (const [found, true_] of [
    [direct?.p50Ms, 500],
    [direct?.p95Ms, 950],
    [direct?.p99Ms, 990],
  ] as const) {
    expect(found).toBeGreaterThanOrEqual(true_)
    expect(found).toBeLessThan(true_ * 1.2)
  }
  expect(percentilesOf([])).toBeUndefined()
})

it('what was written and what is not yet are one sum, and a failed write forgets nothing', async () => {
  const { driver, ledger } = ledgerOf()
  const first = new SumsKeeper()
  first.count('depositRetries', 2)
  first.time('read', 10)
  first.error(new NodeError('UNREACHABLE', 'nobody'))
  await first.flush(ledger)
  const second = new SumsKeeper()
  second.count('depositRetries')
  second.time('read', 10)
  const failing = { run: () => Promise.reject(new Error('full')) } as unknown as Ledger
  await expect(second.flush(failing)).rejects.toThrow('full')
  const view = driver.run((turn) => second.view(turn))
  expect(view.counts).toEqual({ depositRetries: 3 })
  expect(view.errors).toEqual({ UNREACHABLE: 1 })
  expect(view.times['read']?.count).toBe(2)
  await second.flush(ledger)
  expect(driver.run((turn) => new SumsKeeper().view(turn))).toEqual(view)
})

it('a node counts what it did, by path, over restarts', async () => {
  const world = new World('sums')
  const relay = await world.relay()
  const alice = await world.person('alice', { direct: true })
  const bob = await world.person('bob', { direct: true })
  await world.introduce(alice, bob)
  await world.sendMany(alice, bob, 5)
  expect(await world.settled()).toEqual([])
  await world.stop(bob)
  await world.simulation.settle(relay.machine.stop())
  await world.send(alice, bob)
  await world.simulation.run(60_000)
  await world.simulation.settle(relay.machine.start())
  await world.start(bob)
  expect(await world.settled()).toEqual([])
  await world.simulation.run(120_000)
  await world.stop(alice)
  await world.start(alice)
  const { sent, received, times, counts, since } = await world.simulation.settle(
    alice.machine.program.node.stats(),
  )
  expect([sent, received]).toEqual([6, 0])
  expect((times['direct']?.count ?? 0) + (times['byRelay']?.count ?? 0)).toBe(6)
  expect(times['direct']?.count).toBeGreaterThanOrEqual(5)
  expect(counts['dialFailures']).toBeGreaterThan(0)
  expect(counts['depositRetries']).toBeGreaterThan(0)
  expect(since).toBeGreaterThan(0)
})
