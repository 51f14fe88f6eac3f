// A relay whose disk fails: at its end, and in one record.
import { expect, it } from 'vitest'
import { EMPTY } from '../../../crypto/index.ts'
import { rowKey } from '../../../node/relay/row-keys.ts'
import { RelayWorld, depositTo, prepared } from '../../support/relay-world.ts'

it('stops within its time, also where the last flush is the one that fails', async () => {
  const world = new RelayWorld()
  const service = await world.start({ reopen: () => Promise.reject(new Error('no space left')) })
  const bob = await world.owner('bob')
  const alice = await world.connect()
  const { store } = world
  let fail = (): void => undefined
  const writing = new Promise<void>((begun) => {
    store.write = () => {
      begun()
      return new Promise((_, reject) => {
        fail = () => reject(new Error('no space left on device'))
      })
    }
  })
  const deposit = alice.deposit(depositTo(bob, world.capability(bob, 'alice'), '1'))
  deposit.catch(() => undefined)
  await world.quiet()
  await writing
  let isOver = false
  const drained = service.drain().then(() => (isOver = true))
  store.write = () => Promise.reject(new Error('no space left on device'))
  fail()
  await world.advance(31_000)
  expect(isOver).toBe(true)
  await drained
})

it('one record that cannot be read fails who asks for it, and nobody beside', async () => {
  const { world, bob, alice } = await prepared()
  const carol = await world.owner('carol')
  const key = rowKey('mailbox', bob.mailboxId, EMPTY)
  world.map.apply([{ key, value: Uint8Array.of(0xff) }])
  const deposits = [bob, carol].map(async (owner) => {
    const connection = await world.connect()
    return { owner, connection }
  })
  const [first, second] = await world.settle(Promise.all(deposits))
  const answers = [first!, second!].map(({ owner, connection }) =>
    connection.deposit(depositTo(owner, world.capability(owner, 'alice'), '1')),
  )
  expect(await world.settle(Promise.all(answers))).toMatchObject([
    { status: 'busy' },
    { kind: 'stored' },
  ])
  expect(world.service!.ready).toBe(true)
  await world.settle(alice.ping(EMPTY))
})
