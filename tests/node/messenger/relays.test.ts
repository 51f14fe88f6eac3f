import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RunningNode } from '../../../node/create-node.ts'
import { type TestNetwork, type TestRelay, createTestNetwork } from '../../../node/test-network.ts'

let net: TestNetwork
let old: TestRelay
let alice: RunningNode

beforeEach(async () => {
  net = createTestNetwork()
  old = await net.relay()
  alice = await net.node('alice', { relays: [old], listens: false })
})
afterEach(() => net.close())

const code = (value: string) => expect.objectContaining({ code: value })
const plain = (address: string): string => address.split('/p2p/', 1)[0] ?? ''
const addresses = async (): Promise<readonly string[]> =>
  (await alice.status()).relays.map(({ address }) => address)

describe('the relays of a profile', () => {
  it('takes another where the only one is gone for good, and contacts write there', async () => {
    const other = await net.relay()
    const bob = await net.node('bob', { relays: [other], listens: false })
    await net.introduce(alice, bob)
    await old.close()
    const next = await net.relay()
    await alice.relays.add(next.address)
    await alice.relays.remove(old.address)
    // By the relay of Bob, whom Alice can still write to; her new address goes with it.
    const { id: told } = await alice.chats.send('bob', 'I have moved')
    await alice.chats.waitFor(told, 'relayed', { timeoutMs: 10_000 })
    const { id } = await bob.chats.send('alice', 'found you')
    await bob.chats.waitFor(id, 'delivered', { timeoutMs: 20_000 })
    expect((await bob.contacts.get('alice')).relays.map(({ address }) => address)).toEqual([
      plain(next.address),
    ])
    expect((await alice.invites.create()).link).toMatch(/^sotto:/)
  })

  it('a new link brings two together whom only a lost relay joined, and what waited', async () => {
    const bob = await net.node('bob', { relays: [old], listens: false })
    await net.introduce(alice, bob)
    const { id: waits } = await bob.chats.send('alice', 'hello?')
    await bob.chats.waitFor(waits, 'relayed', { timeoutMs: 10_000 })
    await old.close()
    for (const node of [alice, bob]) {
      await node.relays.add((await net.relay()).address)
      await node.relays.remove(old.address)
    }
    const { id } = await bob.chats.send('alice', 'are you there?')
    await bob.contacts.add((await alice.invites.create()).link)
    await bob.chats.waitFor(id, 'delivered', { timeoutMs: 20_000 })
    const { id: back } = await alice.chats.send('bob', 'here')
    await alice.chats.waitFor(back, 'delivered', { timeoutMs: 20_000 })
    expect(await alice.requests.list()).toEqual([])
  }, 60_000)

  it('keeps what was chosen over a restart', async () => {
    const next = await net.relay()
    await alice.relays.add(next.address)
    await alice.relays.remove(old.address)
    await alice.close()
    alice = await net.node('alice', { listens: false })
    expect(await addresses()).toEqual([plain(next.address)])
  })

  it('leaves one by its service, comes back to it, and does not take it twice', async () => {
    const next = await net.relay()
    await alice.relays.add(next.address)
    await alice.relays.add(next.address)
    expect(await addresses()).toEqual([plain(old.address), plain(next.address)])
    await alice.settle(10_000)
    const [first] = (await alice.status()).relays
    await alice.relays.remove(first?.service ?? '')
    expect(await addresses()).toEqual([plain(next.address)])
    await alice.relays.add(old.address)
    await alice.settle(10_000)
    expect((await alice.status()).relays.map(({ connected }) => connected)).toEqual([true, true])
    await alice.relays.remove(plain(next.address))
    const bob = await net.node('bob', { relays: [old] })
    await net.introduce(alice, bob)
  })

  it('follows one that moved to another address', async () => {
    const [, peer = ''] = old.address.split('/p2p/')
    await alice.relays.add(`/ip4/10.9.9.9/tcp/4001/p2p/${peer}`)
    expect(await addresses()).toEqual(['/ip4/10.9.9.9/tcp/4001'])
  })

  it('refuses what is no relay of the profile, the only one, and a fourth', async () => {
    await expect(alice.relays.add('not an address')).rejects.toEqual(code('ADDRESS_INVALID'))
    await expect(alice.relays.remove('ffff')).rejects.toEqual(code('INVALID'))
    await expect(alice.relays.remove('')).rejects.toEqual(code('INVALID'))
    await expect(alice.relays.remove(old.address)).rejects.toEqual(code('NO_RELAY'))
    for (let n = 0; n < 2; n += 1) await alice.relays.add((await net.relay()).address)
    const fourth = (await net.relay()).address
    await expect(alice.relays.add(fourth)).rejects.toEqual(
      expect.objectContaining({ code: 'LIMIT', hint: expect.stringContaining('relays remove') }),
    )
    expect(await addresses()).toHaveLength(3)
  })
})
