import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { encodeAddress, encodeInviteLink, parseInviteLink } from '../../../crypto/index.ts'
import type { RunningNode } from '../../../node/create-node.ts'
import { nativeCrypto } from '../../../node/native-crypto.ts'
import { type TestNetwork, createTestNetwork } from '../../../node/test-network.ts'
import { bytesOf } from '../../support/relay-world.ts'

let net: TestNetwork
let alice: RunningNode
let bob: RunningNode

beforeEach(() => {
  net = createTestNetwork()
})
afterEach(() => net.close())

async function pair(): Promise<void> {
  ;[alice, bob] = await net.pair()
}

/** Sends, and waits until the other side has it. */
async function deliver(from: RunningNode, to: string, text: string): Promise<string> {
  const { id } = await from.chats.send(to, text)
  await from.chats.waitFor(id, 'delivered', { timeoutMs: 10_000 })
  return id
}

const code = (value: string) => expect.objectContaining({ code: value })

describe('links', () => {
  it('refuses what is no link, a damaged one, and one of its own', async () => {
    alice = await net.node('alice')
    const { link } = await alice.invites.create()
    const at = link.length - 6
    const damaged = link.slice(0, at) + (link[at] === '2' ? '3' : '2') + link.slice(at + 1)
    bob = await net.node('bob')
    for (const [text, node] of [
      ['hello', bob],
      ['', bob],
      ['sotto:', bob],
      [damaged, bob],
      [link.slice(0, -4), bob],
      [link, alice],
    ] as const) {
      await expect(node.contacts.add(text)).rejects.toEqual(code('INVITE_INVALID'))
    }
    expect(await bob.contacts.list()).toEqual([])
  })

  it('refuses one that has expired', async () => {
    alice = await net.node('alice')
    bob = await net.node('bob')
    const { link } = await alice.invites.create()
    const parsed = parseInviteLink(nativeCrypto, link)
    const old = encodeInviteLink(nativeCrypto, { ...parsed, expiresAtS: 1_700_000_000 })
    await expect(bob.contacts.add(old)).rejects.toEqual(code('INVITE_EXPIRED'))
  })

  it('refuses one that joins a group, and one of a newer version, and says which', async () => {
    alice = await net.node('alice')
    bob = await net.node('bob')
    const parsed = parseInviteLink(nativeCrypto, (await alice.invites.create()).link)
    const group = encodeInviteLink(nativeCrypto, { ...parsed, group: true })
    await expect(bob.contacts.add(group)).rejects.toMatchObject({
      code: 'GROUP_LINK',
      message: expect.stringContaining('group'),
    })
  })

  it('tells the second who uses a link of one use, and lets others come by a reusable one', async () => {
    alice = await net.node('alice')
    bob = await net.node('bob')
    const carol = await net.node('carol')
    const once = await alice.invites.create()
    await bob.contacts.add(once.link)
    await cameIn(alice, 'bob')
    await carol.contacts.add(once.link)
    const stop = AbortSignal.timeout(10_000)
    let problem: string | undefined
    for await (const event of carol.events.since(0, { signal: stop })) {
      if (event.event !== 'contact') continue
      problem = event.contact.problem
      if (problem !== undefined) break
    }
    expect(problem).toBe('INVITE_USED')
    const many = await alice.invites.create({ reusable: true })
    await carol.contacts.add(many.link)
    await cameIn(alice, 'carol')
    const used = (await alice.invites.list()).map(({ id, usedBy }) => [id, usedBy])
    expect(used).toEqual([
      [once.id, ['bob']],
      [many.id, ['carol']],
    ])
  })

  it('of use after a refused one come over the stream that is open, whoever has the smaller key', async () => {
    alice = await net.node('alice')
    const { id, link } = await alice.invites.create()
    const many = await alice.invites.create({ reusable: true })
    await alice.invites.revoke(id)
    // Transport keys are random: of four people one at least has the larger key, but for 1 in 16.
    for (const name of ['bob', 'carol', 'dave', 'erin']) {
      const node = await net.node(name)
      await node.contacts.add(link)
      for await (const event of node.events.since(0, { signal: AbortSignal.timeout(10_000) })) {
        if (event.event === 'contact' && event.contact.problem !== undefined) break
      }
      await node.contacts.add(many.link)
      await cameIn(alice, name)
    }
  })

  it('lists and revokes by a prefix of its id, and nothing by one that is too short', async () => {
    alice = await net.node('alice')
    const { id } = await alice.invites.create({ expiresInMs: 60_000 })
    await expect(alice.invites.revoke(id.slice(0, 3))).rejects.toEqual(code('INVITE_INVALID'))
    await expect(alice.invites.revoke('ffff'.repeat(8))).rejects.toEqual(code('INVITE_INVALID'))
    await alice.invites.revoke(id.slice(0, 8))
    expect(await alice.invites.list()).toMatchObject([{ id, revoked: true }])
  })

  it.each([0, -1, 400 * 86_400_000, Number.NaN])('refuses a life of %s ms', async (expiresInMs) => {
    alice = await net.node('alice')
    await expect(alice.invites.create({ expiresInMs })).rejects.toEqual(code('INVALID'))
  })

  it('names the mailbox at a relay, and the own host only where there is no relay', async () => {
    alice = await net.node('alice', { relays: [await net.relay()] })
    bob = await net.node('bob')
    const placeOf = async (node: RunningNode) =>
      parseInviteLink(nativeCrypto, (await node.invites.create()).link).where.kind
    expect(await placeOf(alice)).toBe('relay')
    expect(await placeOf(bob)).toBe('direct')
  })

  it('points to a relay that answers, also where the first one chosen is gone', async () => {
    const relays = [await net.relay(), await net.relay()]
    alice = await net.node('alice', { relays, listens: false })
    const connected = async (): Promise<readonly boolean[]> =>
      (await alice.status()).relays.map((relay) => relay.connected)
    await vi.waitFor(async () => expect(await connected()).toEqual([true, true]), 10_000)
    await relays[0]!.close()
    await vi.waitFor(async () => expect(await connected()).toEqual([false, true]), 10_000)
    const { link } = await alice.invites.create()
    bob = await net.node('bob', { relays: [relays[1]!], listens: false })
    await bob.contacts.add(link, { name: 'alice' })
    const isReady = async (): Promise<boolean> =>
      (await bob.contacts.get('alice')).state === 'ready'
    await vi.waitFor(async () => expect(await isReady()).toBe(true), 10_000)
  })

  it('needs a place where the maker is reached', async () => {
    alice = await net.node('alice', { listens: false })
    await expect(alice.invites.create()).rejects.toEqual(code('NO_RELAY'))
  })
})

async function cameIn(node: RunningNode, name: string): Promise<void> {
  for await (const event of node.events.since(0, { signal: AbortSignal.timeout(10_000) })) {
    if (event.event === 'contact' && event.contact.name === name && event.contact.state === 'ready')
      return
  }
  throw new Error(`${name} did not come`)
}

describe('contacts', () => {
  beforeEach(pair)

  it('are renamed, and keep their names apart', async () => {
    const carol = await net.node('carol')
    await net.introduce(alice, carol)
    await expect(alice.contacts.rename('carol', 'BOB')).rejects.toEqual(code('NAME_TAKEN'))
    await expect(alice.contacts.rename('carol', '  ')).rejects.toEqual(code('INVALID'))
    await expect(alice.contacts.rename('carol', 'x'.repeat(65))).rejects.toEqual(code('INVALID'))
    expect((await alice.contacts.rename('carol', 'Caro')).name).toBe('Caro')
    expect((await alice.contacts.list()).map(({ name }) => name)).toEqual(['bob', 'Caro'])
  })

  it('who give themselves one name get two here', async () => {
    const second = await net.node('bob 2')
    const { link } = await second.invites.create()
    const added = await alice.contacts.add(link, { name: 'bob' })
    expect(added.name).toBe('bob-2')
    expect((await alice.contacts.get('bob')).address).toBe(bob.address)
  })

  it('by a prefix that two share are not guessed', async () => {
    const base = await alice.invites.create()
    const parsed = parseInviteLink(nativeCrypto, base.link)
    // Two accounts whose addresses begin alike: found by trying, as anybody could.
    const seen = new Map<string, Uint8Array>()
    let twins: readonly Uint8Array[] = []
    for (let i = 0; twins.length === 0; i++) {
      const account = nativeCrypto.ed25519PublicKey(bytesOf(`twin ${i}`))
      const prefix = encodeAddress(nativeCrypto, account).slice(0, 4)
      const other = seen.get(prefix)
      if (other !== undefined) twins = [other, account]
      seen.set(prefix, account)
    }
    for (const [i, account] of twins.entries()) {
      const link = encodeInviteLink(nativeCrypto, { ...parsed, account })
      await bob.contacts.add(link, { name: `twin ${i}` })
    }
    const prefix = encodeAddress(nativeCrypto, twins[0]!).slice(0, 4)
    await expect(bob.chats.send(prefix, 'hello')).rejects.toMatchObject({
      code: 'AMBIGUOUS_CONTACT',
      message: expect.stringMatching(/twin 0.*twin 1/),
    })
  })

  it('by an address are never whoever took it for a name', async () => {
    const { link } = await alice.invites.create()
    const account = nativeCrypto.ed25519PublicKey(bytesOf('named like another'))
    const parsed = parseInviteLink(nativeCrypto, link)
    const name = alice.address
    const added = await bob.contacts.add(encodeInviteLink(nativeCrypto, { ...parsed, account }), {
      name,
    })
    expect(added.name).toBe(name)
    const spaced = name.replaceAll(/(.{8})/g, '$1 ')
    for (const who of [name, name.toUpperCase(), spaced]) {
      expect((await bob.contacts.get(who)).address).toBe(name)
    }
  })

  it('have one safety number on both sides, and can be marked as verified', async () => {
    const digits = await alice.contacts.safetyNumber('bob')
    expect(digits).toMatch(/^(\d{5} ){11}\d{5}$/)
    expect(await bob.contacts.safetyNumber('alice')).toBe(digits)
    expect((await alice.contacts.verify('bob', true)).verified).toBe(true)
    expect((await alice.contacts.verify('bob', false)).verified).toBe(false)
  })

  it('that are blocked get and send nothing', async () => {
    await alice.contacts.block('bob', true)
    await expect(alice.chats.send('bob', 'hello')).rejects.toEqual(code('BLOCKED'))
    await bob.chats.send('alice', 'are you there?')
    await bob.settle(300)
    expect(await alice.chats.messages('bob')).toEqual([])
    expect(await alice.chats.messages(undefined)).toEqual([])
    expect((await alice.contacts.block('bob', false)).state).not.toBe('blocked')
  })

  it('that are removed are gone from the list', async () => {
    expect((await alice.contacts.remove('bob')).state).toBe('removed')
    expect(await alice.contacts.list()).toEqual([])
    await expect(alice.contacts.get('bob')).rejects.toEqual(code('UNKNOWN_CONTACT'))
    await expect(alice.requests.accept('bob')).rejects.toEqual(code('UNKNOWN_CONTACT'))
  })

  it('are not requests', async () => {
    expect(await alice.requests.list()).toEqual([])
    await expect(alice.requests.accept('bob')).rejects.toEqual(code('UNKNOWN_CONTACT'))
    await expect(alice.requests.reject('bob')).rejects.toEqual(code('UNKNOWN_CONTACT'))
  })
})

describe('requests', () => {
  /** Bob writes, through the relay, after he was taken off the list. */
  async function requested(): Promise<void> {
    const relays = [await net.relay()]
    alice = await net.node('alice', { relays, listens: false })
    bob = await net.node('bob', { relays, listens: false })
    await net.introduce(alice, bob)
    await deliver(bob, 'alice', 'hello')
    await deliver(alice, 'bob', 'hello')
    await alice.contacts.remove('bob')
    await bob.chats.send('alice', 'remember me?')
    for await (const event of alice.events.since(0, { signal: AbortSignal.timeout(10_000) })) {
      if (event.event === 'contact' && event.contact.state === 'request') return
    }
  }

  it('wait apart, without a chat, until they are accepted', async () => {
    await requested()
    const [request] = await alice.requests.list()
    expect(request).toMatchObject({ address: bob.address, state: 'request' })
    expect((await alice.status()).requests).toBe(1)
    await expect(alice.chats.send(bob.address, 'no')).rejects.toEqual(code('UNKNOWN_CONTACT'))
    const accepted = await alice.requests.accept(bob.address, { name: 'Bobby' })
    expect(accepted).toMatchObject({ name: 'Bobby', state: 'ready' })
    await deliver(alice, 'Bobby', 'of course')
  })

  it('that are rejected are silence', async () => {
    await requested()
    await alice.requests.reject(bob.address)
    expect(await alice.requests.list()).toEqual([])
  })
})
