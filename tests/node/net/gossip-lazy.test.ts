import { expect, test, vi } from 'vitest'
import { systemClock } from '../../../node/clock.ts'
import { libp2pNetwork } from '../../../node/net/libp2p-host.ts'

const loaded = vi.hoisted(() => ({ count: 0 }))

vi.mock('@libp2p/gossipsub', async (original) => {
  loaded.count += 1
  return original()
})

test('gossipsub is loaded by a home host that starts gossip, and by nobody else', async () => {
  const roles = ['relay', 'courier', 'home'] as const
  const [relay, courier, home] = await Promise.all(
    roles.map((role, i) =>
      libp2pNetwork.createHost({
        seed: new Uint8Array(32).fill(i + 1),
        listen: role === 'courier' ? [] : ['/ip4/127.0.0.1/tcp/0'],
        role,
      }),
    ),
  )
  const options = { clock: systemClock, validate: () => 'accept' as const }
  for (const host of [relay, courier]) {
    await expect(host?.startGossip(options)).rejects.toMatchObject({ code: 'INVALID' })
  }
  expect(loaded.count).toBe(0)
  await home?.startGossip(options)
  expect(loaded.count).toBe(1)
  for (const host of [relay, courier, home]) await host?.stop()
})
