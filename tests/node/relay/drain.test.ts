// A relay that is to stop while its disk fails.
import { expect, it } from 'vitest'
import { RelayWorld, depositTo } from '../../support/relay-world.ts'

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
