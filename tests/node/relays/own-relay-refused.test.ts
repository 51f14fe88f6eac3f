// One's own mailbox at a relay that refuses what is published to it.
import { expect, it, vi } from 'vitest'
import { nativeCrypto } from '../../../node/native-crypto.ts'
import type { Core } from '../../../node/core.ts'
import type { Ledger } from '../../../node/ledger/ledger.ts'
import { refusal } from '../../../node/relay-client/refusal.ts'
import type { SubscriptionHandlers } from '../../../node/relay-client/relay-types.ts'
import type { GuardedClock } from '../../../node/relay/guarded-clock.ts'
import { OwnRelay } from '../../../node/relays/own-relay.ts'
import { SumsKeeper } from '../../../node/sums.ts'
import type { Host } from '../../../node/transport.ts'
import { failed } from '../../../protocol/index.ts'
import { VirtualClock } from '../../sim/virtual-clock.ts'
import { bytesOf } from '../../support/relay-world.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const head = { incarnation: bytesOf('life', 8), headSeq: 0, trimmedUpTo: 0, trimChain: undefined }

/** A connection that is drained at once, and takes no prekeys. */
function refusing() {
  const ends: (() => void)[] = []
  return {
    serviceKey: bytesOf('service'),
    timeOffsetMs: 0,
    onClose: (end: () => void) => void ends.push(end),
    openMailbox: async () => ({ ...head, mailboxId: bytesOf('mailbox', 16), leaseUntilS: 1 }),
    subscribe: async (_mailbox: Uint8Array, handlers: SubscriptionHandlers) => {
      handlers.onDrained({ ...head, chain: undefined })
      return { ...head, credit: () => undefined, stop: async () => undefined }
    },
    prekeyCount: () => Promise.reject(refusal('prekeyCount', failed('busy'))),
    cardGet: async () => failed('auth'),
    abort: () => {
      for (const end of ends.splice(0)) end()
    },
    close: async () => undefined,
  }
}

vi.mock(import('../../../node/relay-client/connect-relay.ts'), async (original) => ({
  ...(await original()),
  connectRelay: async () => refusing() as never,
}))

it('is not at the head of a mailbox that it is not connected to any more', async () => {
  const own = {
    slot: 1,
    generation: 0,
    mailboxId: bytesOf('mailbox', 16),
    serviceKey: bytesOf('service'),
  }
  // Met, opened; nothing to find at the rendezvous.
  const answers = [own, own, undefined]
  const time = new VirtualClock()
  const logged: string[] = []
  const core: Core = {
    ledger: { run: async () => answers.shift() } as unknown as Ledger,
    clock: time.port(),
    guarded: {} as GuardedClock,
    random: seededRandom('refused'),
    provider: nativeCrypto,
    self: { mailboxRoot: bytesOf('root') } as unknown as Core['self'],
    sums: new SumsKeeper(),
    stopping: new AbortController().signal,
    log: (_scope, text) => void logged.push(text),
  }
  let drained = 0
  const relay = new OwnRelay({
    core,
    host: {} as Host,
    choice: { slot: 1, address: '/ip4/10.0.0.1/tcp/1', transportKey: bytesOf('t'), ticket: '' },
    onChange: () => undefined,
    onDrained: () => void (drained += 1),
  })
  relay.start()
  await vi.waitFor(() => expect(logged.join()).toContain('busy'))
  expect(drained).toBe(1)
  expect(relay.connected).toBe(false)
  // What rests on it is that keys are deleted: only what was read to its end may count.
  expect(relay.atHead).toBe(false)
  expect(time.nextAtMs()).toBeDefined()
})
