// One's own mailbox: what comes in it, and what happens where one item of a page cannot be taken.
import { afterEach, expect, it, vi } from 'vitest'
import { createTestNetwork } from '../../../node/test-network.ts'
import type { Arrival } from '../../../protocol/index.ts'

/** Inner messages by how often they came, while somebody counts; the second stumbles over a defect. */
const came = vi.hoisted(() => ({ counts: new Map<string, number>(), isOn: false, stumbles: true }))

vi.mock(import('../../../protocol/index.ts'), async (original) => {
  const real = await original()
  return {
    ...real,
    receiveInner: function* (turn, arrival: Arrival) {
      if (came.isOn) {
        const inner = arrival.inner.join()
        came.counts.set(inner, (came.counts.get(inner) ?? 0) + 1)
        const isSecond = [...came.counts.keys()].indexOf(inner) === 1
        if (isSecond && came.stumbles) throw new TypeError('stumbled')
      }
      return yield* real.receiveInner(turn, arrival)
    },
  }
})

const network = createTestNetwork()
afterEach(() => network.close())

it('one item that cannot be taken keeps none of its page at the relay, and is not acknowledged', async () => {
  const relay = await network.relay()
  const relays = [relay]
  const alice = await network.node('alice', { relays, listens: false })
  const log: string[] = []
  const bobs = {
    relays,
    listens: false,
    log: (scope: string, text: string) => log.push(`${scope}: ${text}`),
  }
  const bob = await network.node('bob', bobs)
  await network.introduce(alice, bob)
  const { id } = await alice.chats.send('bob', 'hello')
  await alice.chats.waitFor(id, 'delivered', { timeoutMs: 20_000 })
  await bob.close()
  const ids: string[] = []
  for (const text of ['one', 'two', 'three']) ids.push((await alice.chats.send('bob', text)).id)
  for (const one of ids) await alice.chats.waitFor(one, 'relayed', { timeoutMs: 20_000 })
  came.isOn = true
  const again = await network.node('bob', bobs)
  const texts = async () => (await again.chats.messages('alice')).map(({ text }) => text)
  // It comes again each time that the mailbox is opened anew, and nothing else does.
  await vi.waitFor(() => expect([...came.counts.values()][1]).toBeGreaterThan(2), 60_000)
  const others = [...came.counts.values()].filter((_, i) => i !== 1)
  expect(others.length).toBeGreaterThanOrEqual(2)
  expect(others.every((count) => count === 1)).toBe(true)
  // Mostly it is 'two': something that Alice still had to tell may have come first.
  const here = (await texts()).slice(1)
  expect(here.length).toBeGreaterThanOrEqual(2)
  expect(['one', 'two', 'three'].filter((text) => here.includes(text))).toEqual(here)
  expect(log.join('; ')).toContain('items not taken: TypeError: stumbled')
  // The relay has it still: mended, it comes.
  came.stumbles = false
  await vi.waitFor(
    async () => expect(await texts()).toEqual(['hello', 'one', 'two', 'three']),
    60_000,
  )
})
