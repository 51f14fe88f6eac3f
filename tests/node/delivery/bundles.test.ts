// Fetching what sessions begin with, where one of several relays is away.
import { expect, test } from 'vitest'
import type { Core } from '../../../node/core.ts'
import { Bundles } from '../../../node/delivery/bundles.ts'
import type { DirectService } from '../../../node/direct/direct-service.ts'
import type { Ledger } from '../../../node/ledger/ledger.ts'
import { nativeCrypto } from '../../../node/native-crypto.ts'
import type { GuardedClock } from '../../../node/relay/guarded-clock.ts'
import type { Courier } from '../../../node/relays/courier.ts'
import { SumsKeeper } from '../../../node/sums.ts'
import { VirtualClock } from '../../sim/virtual-clock.ts'
import { bytesOf } from '../../support/relay-world.ts'
import { seededRandom } from '../../support/seeded-random.ts'

test('a restored account is looked for at every relay, also where the first one is gone for good', async () => {
  const places = ['gone', 'there'].map((address) => ({
    rendezvous: { address, serviceKey: bytesOf(address) },
    ids: [bytesOf(`${address} next`, 16), bytesOf(`${address} now`, 16)],
  }))
  const answers: unknown[] = [{ account: bytesOf('account') }, places]
  let taken = 0
  const ledger = {
    read: async () => answers.shift(),
    run: async () => void (taken += 1),
  } as unknown as Ledger
  const asked: string[] = []
  const courier = {
    card: async ({ address }: { readonly address: string }) => {
      asked.push(address)
      if (address === 'gone') throw new Error('cannot be reached')
      return bytesOf('card')
    },
  } as unknown as Courier
  const time = new VirtualClock()
  const core: Core = {
    ledger,
    clock: time.port(),
    guarded: {} as GuardedClock,
    random: seededRandom('bundles'),
    provider: nativeCrypto,
    self: {} as Core['self'],
    sums: new SumsKeeper(),
    stopping: new AbortController().signal,
    log: () => undefined,
  }
  const bundles = new Bundles({
    core,
    direct: {} as DirectService,
    courier,
    onStarted: () => undefined,
  })
  bundles.seek(bytesOf('device'))
  await bundles.settled(new AbortController().signal)
  expect(asked.filter((address) => address === 'there')).toHaveLength(2)
  expect(taken).toBe(2)
  // Where one was not reached, it is looked for again before the next day.
  expect(time.nextAtMs()).toBeLessThanOrEqual(1_000)
})
