// Somebody in more groups than a signal takes listeners before Node warns of a leak.
import { getEventListeners } from 'node:events'
import { afterEach, expect, it } from 'vitest'
import { createTestNetwork } from '../../../node/test-network.ts'
import { warningsOf } from '../../support/warnings.ts'

const network = createTestNetwork()
afterEach(() => network.close())

it('settling in twelve groups warns of nothing, and leaves nothing on the signal of its caller', async () => {
  const relays = [await network.relay()]
  const alice = await network.node('alice', { relays, listens: false })
  const { signal } = new AbortController()
  const warnings = await warningsOf(async () => {
    for (let at = 0; at < 12; at++) await alice.groups.create(`team ${at}`)
    await alice.close()
    const again = await network.node('alice', { relays, listens: false })
    await again.settle(20_000, { signal })
  })
  expect(warnings).toEqual([])
  expect(getEventListeners(signal, 'abort')).toHaveLength(0)
})
