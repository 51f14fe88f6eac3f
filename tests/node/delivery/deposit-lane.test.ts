// The lane of one mailbox when its node is closed under it.
import { expect, test } from 'vitest'
import type { Core } from '../../../node/core.ts'
import { DepositLane } from '../../../node/delivery/deposit-lane.ts'
import type { Ledger } from '../../../node/ledger/ledger.ts'
import { nativeCrypto } from '../../../node/native-crypto.ts'
import type { GuardedClock } from '../../../node/relay/guarded-clock.ts'
import type { Courier } from '../../../node/relays/courier.ts'
import { SumsKeeper } from '../../../node/sums.ts'
import { BACKOFF_MAX_MS } from '../../../protocol/index.ts'
import { VirtualClock } from '../../sim/virtual-clock.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const turns = () => new Promise((resolve) => setImmediate(resolve))

function setUp(courier: Partial<Courier> = {}) {
  const stop = new AbortController()
  const logged: string[] = []
  let fail: (error: Error) => void = () => undefined
  let answer: (value: unknown) => void = () => undefined
  let passes = 0
  const ledger = {
    writable: true,
    run: () => {
      passes += 1
      return new Promise((resolve, reject) => {
        answer = resolve
        fail = reject
      })
    },
  } as unknown as Ledger
  const time = new VirtualClock()
  const core: Core = {
    ledger,
    clock: time.port(),
    guarded: {} as GuardedClock,
    random: seededRandom('deposit lane'),
    provider: nativeCrypto,
    self: {} as Core['self'],
    sums: new SumsKeeper(),
    stopping: stop.signal,
    log: (scope, text) => void logged.push(`${scope} ${text}`),
  }
  const bytes = (length: number): Uint8Array => new Uint8Array(length).fill(1)
  const lane = new DepositLane({
    core,
    courier: courier as Courier,
    device: bytes(32),
    mailbox: { serviceKey: bytes(32), addresses: [], mailboxId: bytes(16) },
    onProgress: () => undefined,
  })
  return {
    lane,
    stop,
    logged,
    time,
    passes: () => passes,
    fail: () => fail(new Error('closed')),
    answer: (value: unknown) => answer(value),
  }
}

test('what fails while the node runs is told, and tried again', async () => {
  const { lane, logged, time, passes, fail } = setUp()
  lane.kick()
  fail()
  await turns()
  expect(logged).toEqual(['deposit 01010101: closed'])
  expect(time.step()).toBe(true)
  expect(passes()).toBe(2)
})

test('a relay that says to wait for weeks is asked again within a quarter of an hour', async () => {
  const refused = { kind: 'failed', reason: 'busy', retryAfterMs: 0xffffffff } as const
  const { lane, time, passes, answer } = setUp({ deposit: () => Promise.resolve(refused) })
  lane.kick()
  answer({ copies: [{}], from: 1, done: true })
  await turns()
  expect(lane.trouble).toBe('busy')
  expect(time.nextAtMs()).toBe(time.elapsedMs + BACKOFF_MAX_MS)
  time.step()
  expect(passes()).toBe(2)
})

test('a lane of a closed node begins nothing, and tells nothing of what it could not end', async () => {
  const { lane, stop, logged, time, passes, fail } = setUp()
  lane.kick()
  stop.abort()
  lane.stop()
  fail()
  await turns()
  lane.kick()
  await turns()
  expect(logged).toEqual([])
  expect(passes()).toBe(1)
  expect(time.nextAtMs()).toBeUndefined()
})
