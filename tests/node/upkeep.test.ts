import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EMPTY } from '../../crypto/index.ts'
import type { Core } from '../../node/core.ts'
import { SumsKeeper } from '../../node/sums.ts'
import { drainedAt, noteDrained } from '../../node/drains.ts'
import { changes } from '../../node/ledger/change-feed.ts'
import { readSafeNow } from '../../node/safe-now.ts'
import { Upkeep } from '../../node/upkeep.ts'
import { chooseRelay, range, renewPrekeys } from '../../protocol/index.ts'
import { prekeySecrets } from '../../protocol/prekeys/tables.ts'
import { LedgerWorld, quiet, secrets, warning } from '../support/ledger-world.ts'
import { bytesOf } from '../support/relay-world.ts'
import { nativeCrypto } from '../../node/native-crypto.ts'

const DAY_MS = 86_400_000

let world: LedgerWorld
let upkeep: Upkeep
let stop: AbortController
const log: string[] = []
const keys = { rotating: false, begun: 0, tidied: 0, drained: [] as number[] }

async function advance(ms: number): Promise<void> {
  const endMs = world.time.elapsedMs + ms
  for (;;) {
    await quiet()
    const next = world.time.nextAtMs()
    if (next === undefined || next > endMs) break
    world.time.step()
  }
  world.time.skipTo(endMs)
  await quiet()
}

const choice = (name: string) => ({
  address: `/dns4/${name}.example/tcp/1`,
  transportKey: bytesOf(name),
  ticket: '',
})

beforeEach(async () => {
  world = new LedgerWorld()
  await world.open()
  stop = new AbortController()
  log.length = 0
  Object.assign(keys, { rotating: false, begun: 0, tidied: 0, drained: [] })
  const clock = world.time.port()
  const core = {
    ledger: world.ledger,
    clock,
    provider: nativeCrypto,
    random: world.random,
    self: { account: bytesOf('account'), device: bytesOf('device') },
    stopping: stop.signal,
    log: (scope: string, text: string) => log.push(`${scope}: ${text}`),
    sums: new SumsKeeper(),
  } as unknown as Core
  upkeep = new Upkeep({
    core,
    stateKeys: {
      get rotating() {
        return keys.rotating
      },
      begin: async () => {
        keys.begun += 1
        keys.rotating = true
      },
      finish: async () => void (keys.rotating = false),
      clean: async () => undefined,
    },
    tidy: async () => void (keys.tidied += 1),
    sweepGroups: () => Promise.resolve(),
    drainedNow: () => keys.drained,
  })
})
afterEach(async () => {
  stop.abort()
  await upkeep.stop()
})

describe('upkeep', () => {
  it('writes the clock down at the start and every minute', async () => {
    const startMs = world.time.port().nowMs()
    await upkeep.start()
    expect(await readSafeNow(world.records)).toBe(startMs)
    await advance(61_000)
    expect(await readSafeNow(world.records)).toBe(startMs + 60_000)
  })

  it('runs a round half a minute after the start and then every hour', async () => {
    await upkeep.start()
    await advance(29_000)
    expect(keys.tidied).toBe(0)
    await advance(2_000)
    expect(keys.tidied).toBe(1)
    await advance(3_600_000)
    expect(keys.tidied).toBe(2)
    expect(log).toEqual([])
  })

  it('rotates the state key once a day', async () => {
    await upkeep.start()
    await advance(60_000)
    expect(keys.begun).toBe(0)
    await advance(3 * DAY_MS)
    expect(keys.begun).toBe(3)
  })

  it('trims the change feed in steps', async () => {
    await world.ledger.run(function* (turn) {
      for (let i = 0; i < 700; i++) turn.change(warning(String(i)))
    })
    world.time.skipTo(31 * DAY_MS)
    const before = world.store.writes
    await upkeep.round()
    const rows = await world.ledger.read(() => range(changes, { owner: EMPTY, limit: 10 }))
    expect(rows).toHaveLength(1)
    expect(world.store.writes - before).toBeGreaterThanOrEqual(3)
  })

  it('deletes old prekeys only after every mailbox was read to its end', async () => {
    await world.ledger.run((turn) => chooseRelay(turn, choice('relay')))
    await world.ledger.run((turn) => renewPrekeys(turn))
    const { owner } = prekeySecrets.place({ kind: 'spk', id: 0 })
    const count = async (): Promise<number> =>
      (await world.ledger.read(() => range(prekeySecrets, { owner, limit: 100 }))).length
    const first = await count()
    // New ones come, the first ends; 60 days later nobody can deposit under it any more.
    for (let day = 0; day < 75; day += 5) {
      world.time.skipTo(world.time.elapsedMs + 5 * DAY_MS)
      await upkeep.round()
    }
    const kept = await count()
    expect(kept).toBeGreaterThan(first)
    keys.drained = [1]
    await upkeep.round()
    expect(await count()).toBeLessThan(kept)
    expect(log).toEqual([])
  })

  it('counts the oldest reading of all mailboxes, and the present where there is none', async () => {
    const at = (): Promise<number> => world.ledger.read((turn) => drainedAt(turn))
    expect(await at()).toBe(world.time.port().nowMs())
    for (const name of ['one', 'two']) {
      await world.ledger.run((turn) => chooseRelay(turn, choice(name)))
    }
    expect(await at()).toBe(0)
    await world.ledger.run((turn) => noteDrained(turn, 1))
    expect(await at()).toBe(0)
    world.time.skipTo(5_000)
    await world.ledger.run((turn) => noteDrained(turn, 2))
    expect(await at()).toBe(world.time.port().nowMs() - 5_000)
  })

  it('reports a job that fails, and runs the others', async () => {
    world.store.fault = { code: 'DISK_FULL', message: 'no space' } as never
    await upkeep.round()
    expect(log.length).toBeGreaterThan(0)
    expect(keys.tidied).toBe(1)
  })

  it('keeps the state that it seals again readable', async () => {
    await world.ledger.run(function* (turn) {
      turn.put(secrets, 1, 11)
    })
    await upkeep.round()
    await world.open()
    expect(
      await world.ledger.read(() => range(secrets, { owner: EMPTY, limit: 10 })),
    ).toMatchObject([{ value: 11 }])
  })
})
