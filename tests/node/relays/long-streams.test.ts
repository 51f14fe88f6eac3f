// A stream to a relay that stays open for long.
import { expect, it } from 'vitest'
import { depositTo, prepared } from '../../support/relay-world.ts'

const DAY_MS = 86_400_000
const nothing = { onItems: () => undefined, onDrained: () => undefined, onEnd: () => undefined }

it('is known to be dead within minutes where a mailbox is followed on it and nothing passes', async () => {
  const { world, bob } = await prepared()
  const credit = { messages: 1, bytes: 1 << 20 }
  await world.settle(bob.connection.subscribe(bob.mailboxId, nothing, credit))
  const ends: string[] = []
  bob.connection.onClose((error) => ends.push(String(error)))
  await world.advance(10 * 60_000)
  expect(ends).toEqual([])
  world.isCut = true
  await world.advance(3 * 60_000)
  expect(ends).toHaveLength(1)
})

it('ends after a week: its lease is renewed with the next one, and its certificate does not end under it', async () => {
  const { world, bob, alice } = await prepared()
  let ends = 0
  bob.connection.onClose(() => (ends += 1))
  const auth = world.capability(bob, 'alice')
  await world.advance(5 * DAY_MS)
  expect(await world.settle(alice.deposit(depositTo(bob, auth, '1')))).toMatchObject({
    kind: 'stored',
  })
  expect(ends).toBe(0)
  await world.advance(3 * DAY_MS)
  expect(ends).toBe(1)
  expect(world.service!.connections).toBe(0)
})
