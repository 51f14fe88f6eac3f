// Lines to other people's relays: open while somebody uses them, and no longer.
import { expect, it } from 'vitest'
import { noble } from '../../../crypto/index.ts'
import { Courier } from '../../../node/relays/courier.ts'
import { POW_MAX_BITS } from '../../../protocol/relay/limits.ts'
import { RelayWorld, bytesOf, envelope } from '../../support/relay-world.ts'

function courierIn(world: RelayWorld) {
  const stop = new AbortController()
  const { clock, random } = world
  const host = world.network.createHost({ seed: bytesOf('courier'), listen: [], role: 'courier' })
  const core = { clock, random, provider: noble, stopping: stop.signal }
  const courier = new Courier(core, () => host)
  const relay = () => ({
    serviceKey: noble.ed25519PublicKey(bytesOf('service')),
    addresses: [world.address],
  })
  return { courier, relay, stop }
}

it('a line that broke takes no later one with it', async () => {
  const world = new RelayWorld()
  await world.start()
  const { courier, relay } = courierIn(world)
  const first = await world.settle(courier.hold(relay()))
  first.release()
  await world.kill()
  await world.start()
  await world.advance(30_000)
  const second = await world.settle(courier.hold(relay()))
  // A minute after the first one was let go.
  await world.advance(40_000)
  const third = await world.settle(courier.hold(relay()))
  expect(third.connection).toBe(second.connection)
  expect(world.service?.connections).toBe(1)
  second.release()
  third.release()
  await world.advance(61_000)
  expect(world.service?.connections).toBe(0)
})

it('work for a stranger ends with the node', async () => {
  const world = new RelayWorld()
  await world.start({ depositBits: POW_MAX_BITS })
  const { courier, relay, stop } = courierIn(world)
  const mailbox = { ...relay(), mailboxId: bytesOf('mailbox', 16) }
  const line = await world.settle(courier.hold(relay()))
  const { envId, env } = envelope('1')
  const copy = { envelopeId: envId, envelope: env, ttlS: 60, sequence: 1, innerId: envId }
  let ended: unknown
  courier.deposit(mailbox, copy, undefined).catch((error: unknown) => (ended = error))
  const turns = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) {
      await new Promise(setImmediate)
      world.time.step()
    }
  }
  await turns()
  expect(ended).toBeUndefined()
  stop.abort(new Error('the node is closed'))
  await turns()
  expect(String(ended)).toBe('Error: the node is closed')
  line.release()
})
