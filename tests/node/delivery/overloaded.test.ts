// What is on its way when the Ledger refuses a turn: more calls wait than it takes.
import { expect, test } from 'vitest'
import type { Core } from '../../../node/core.ts'
import { Carrier } from '../../../node/delivery/carrier.ts'
import { ReceiptTimer } from '../../../node/delivery/receipt-timer.ts'
import type { DirectService } from '../../../node/direct/direct-service.ts'
import { NodeError } from '../../../node/errors.ts'
import { GroupService } from '../../../node/groups/group-service.ts'
import type { Ledger } from '../../../node/ledger/ledger.ts'
import { nativeCrypto } from '../../../node/native-crypto.ts'
import type { GuardedClock } from '../../../node/relay/guarded-clock.ts'
import type { Courier } from '../../../node/relays/courier.ts'
import type { Host } from '../../../node/transport.ts'
import { SumsKeeper } from '../../../node/sums.ts'
import { VirtualClock } from '../../sim/virtual-clock.ts'
import { bytesOf } from '../../support/relay-world.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const DEVICE = bytesOf('device')
const turns = () => new Promise((resolve) => setImmediate(resolve))

function coreOf(ledger: Partial<Record<'read' | 'run', () => Promise<unknown>>>) {
  const time = new VirtualClock()
  const core: Core = {
    ledger: { writable: true, ...ledger } as unknown as Ledger,
    clock: time.port(),
    guarded: {} as GuardedClock,
    random: seededRandom('overloaded'),
    provider: nativeCrypto,
    self: {} as Core['self'],
    sums: new SumsKeeper(),
    stopping: new AbortController().signal,
    log: () => undefined,
  }
  return { core, time }
}

const busy = () => Promise.reject(new NodeError('BUSY', 'calls wait', { retryable: true }))

test('what a refused turn kept from going out goes out later, without another kick', async () => {
  let prepared = 0
  const standing = { peer: {}, head: { items: 1, prepared: 0, next: 2 } }
  const { core, time } = coreOf({
    read: async () => standing,
    run: () => {
      prepared += 1
      return busy()
    },
  })
  const carrier = new Carrier(core, {} as DirectService, {} as Courier)
  carrier.kick(DEVICE)
  carrier.kick(DEVICE)
  await turns()
  const before = prepared
  expect(time.nextAtMs()).toBeDefined()
  time.step()
  await turns()
  expect(prepared).toBe(before + 1)
  // Again and again, and one at a time.
  expect(time.pending).toBe(1)
  carrier.stop()
  expect(time.nextAtMs()).toBeUndefined()
})

test('a group whose turn was refused is looked at again soon, and its sweep holds up no other', async () => {
  let refused = 0
  const { core, time } = coreOf({
    read: async () => [],
    run: () => {
      refused += 1
      return busy()
    },
  })
  const groups = new GroupService({
    core,
    courier: {} as Courier,
    host: {} as Host,
    ticket: async () => undefined,
    ownRelays: () => [],
  })
  groups.kick(bytesOf('one'))
  groups.kick(bytesOf('two'))
  await turns()
  expect(refused).toBe(2)
  expect(time.nextAtMs()).toBeLessThanOrEqual(1_000)
  await groups.sweep(0)
  expect(refused).toBe(4)
  await groups.stop()
})

test('a receipt that could not be written is sent later', async () => {
  let sent = 0
  const { core, time } = coreOf({
    read: async () => 100,
    run: () => (++sent === 1 ? busy() : Promise.resolve()),
  })
  const receipts = new ReceiptTimer(core)
  await receipts.due(DEVICE)
  time.step()
  await turns()
  expect(sent).toBe(1)
  time.step()
  await turns()
  expect(sent).toBe(2)
  expect(time.nextAtMs()).toBeUndefined()
})

test('a receipt that falls due while the one before it is looked at is not forgotten', async () => {
  const delays: ((ms: number | undefined) => void)[] = []
  const { core, time } = coreOf({ read: () => new Promise((resolve) => delays.push(resolve)) })
  const receipts = new ReceiptTimer(core)
  const first = receipts.due(DEVICE)
  // Sent beside something else meanwhile: nothing is due. Then something is.
  const second = receipts.due(DEVICE)
  delays.shift()?.(undefined)
  await turns()
  delays.shift()?.(2_000)
  await Promise.all([first, second])
  expect(time.nextAtMs()).toBe(2_000)
})
