import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encodeAddress } from '../../../crypto/index.ts'
import type { NodeEvent } from '../../../node/api.ts'
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

async function take(node: RunningNode, since: number | undefined, count: number) {
  const stop = new AbortController()
  const events: NodeEvent[] = []
  for await (const event of node.events.since(since, { signal: stop.signal })) {
    events.push(event)
    if (events.length === count) stop.abort()
  }
  return events
}

const code = (value: string) => expect.objectContaining({ code: value })

/** An address of nobody, valid. */
const stranger = encodeAddress(nativeCrypto, nativeCrypto.ed25519PublicKey(bytesOf('stranger')))

describe('sending and reading', () => {
  beforeEach(pair)

  it('carries a text to the other side, delivered and then read', async () => {
    const id = await deliver(alice, 'bob', 'hello')
    const [got] = await bob.chats.messages('alice')
    expect(got).toMatchObject({ id, text: 'hello', mine: false, kind: 'text', chat: 'alice' })
    expect(got?.from).toEqual({ name: 'alice', address: alice.address })
    await bob.chats.markRead('alice')
    const read = await alice.chats.waitFor(id, 'read', { timeoutMs: 10_000 })
    expect(read).toEqual({ id, state: 'read' })
    expect(await alice.chats.message(id)).toMatchObject({ mine: true, state: 'read' })
  })

  it('sends once what is asked for again under the same id, to a group as to a person', async () => {
    const { id } = await alice.chats.send('bob', 'ok', { once: 'order 17' })
    await alice.chats.waitFor(id, 'delivered', { timeoutMs: 10_000 })
    const again = await alice.chats.send('bob', 'other words', { once: 'order 17' })
    expect(again).toEqual({ id, state: 'delivered' })
    const other = await alice.chats.send('bob', 'ok', { once: 'order 18' })
    expect((await alice.chats.messages('bob')).map((one) => [one.id, one.text])).toEqual([
      [id, 'ok'],
      [other.id, 'ok'],
    ])
    for (const once of ['', 'x'.repeat(65)]) {
      await expect(alice.chats.send('bob', 'ok', { once })).rejects.toEqual(code('INVALID'))
    }
    // Nor after a restart, which is what an answer is lost by.
    await alice.close()
    alice = await net.node('alice')
    expect((await alice.chats.send('bob', 'ok', { once: 'order 18' })).id).toBe(other.id)
    // What was refused is not taken for sent.
    await expect(alice.chats.send('bob', ' ', { once: 'blank' })).rejects.toEqual(
      code('EMPTY_TEXT'),
    )
    expect((await alice.chats.send('bob', 'said', { once: 'blank' })).id).not.toBe(id)
  })

  it('answers with an id and a durable state at once', async () => {
    const sent = await alice.chats.send('bob', 'hello')
    expect(sent.id).toMatch(/^[0-9a-f]{64}$/)
    expect(sent.state).toBe('queued')
  })

  it('names the message it replies to', async () => {
    const id = await deliver(alice, 'bob', 'question')
    await bob.chats.send('alice', 'answer', { replyTo: id })
    await take(alice, 0, 1)
    const answer = await until(alice, (one) => one.text === 'answer')
    expect(answer.replyTo).toBe(id)
  })

  it('reads the last n, what came before one, and what is unread', async () => {
    const ids: string[] = []
    for (const text of ['1', '2', '3', '4']) ids.push(await deliver(alice, 'bob', text))
    const texts = async (options: object) =>
      (await bob.chats.messages('alice', options)).map((one) => one.text)
    expect(await texts({ limit: 2 })).toEqual(['3', '4'])
    expect(await texts({ before: ids[2] })).toEqual(['1', '2'])
    expect(await texts({ limit: 0 })).toEqual([])
    expect(await texts({ unread: true })).toEqual(['1', '2', '3', '4'])
    const [, second] = await bob.chats.messages('alice', { unread: true })
    await bob.chats.markRead('alice', second!.arrival)
    expect(await texts({ unread: true })).toEqual(['3', '4'])
    expect((await bob.contacts.get('alice')).unread).toBe(2)
    expect((await bob.chats.messages(undefined, { limit: 3 })).map((one) => one.text)).toEqual([
      '2',
      '3',
      '4',
    ])
  })

  it('finds what is unread behind more of its own than the limit', async () => {
    for (const text of ['1', '2', '3']) await deliver(alice, 'bob', text)
    await deliver(bob, 'alice', 'answer')
    await deliver(alice, 'bob', '4')
    await deliver(bob, 'alice', 'another')
    const texts = async (limit: number) =>
      (await alice.chats.messages('bob', { unread: true, limit })).map((one) => one.text)
    expect(await texts(1)).toEqual(['answer'])
    expect(await texts(2)).toEqual(['answer', 'another'])
    expect(await texts(0)).toEqual([])
  })

  it('explains why a state may be believed', async () => {
    const id = await deliver(alice, 'bob', 'hello')
    const why = await alice.chats.why(id)
    expect(why).toMatchObject({ id, state: 'delivered', missing: [] })
    expect(why.steps.map(({ what, evidence }) => [what, evidence])).toEqual(
      expect.arrayContaining([
        ['queued', 'fdatasync'],
        ['delivered', 'committed answer'],
      ]),
    )
  })

  it('says what stands in the way of a message that nobody takes', async () => {
    await bob.close()
    const { id } = await alice.chats.send('bob', 'hello')
    const why = await alice.chats.why(id)
    expect(why.state).toBe('queued')
    await expect(alice.chats.waitFor(id, 'delivered', { timeoutMs: 20 })).rejects.toMatchObject({
      code: 'TIMEOUT',
      retryable: true,
    })
    expect((await alice.contacts.get('bob')).waiting).toBe(1)
    expect((await alice.status()).waiting).toBe(1)
  })

  it.each([
    ['one byte', 1],
    ['48 KiB exactly', 48 * 1024],
  ])('takes a text of %s', async (_, size) => {
    const text = 'x'.repeat(size)
    const id = await deliver(alice, 'bob', text)
    expect((await bob.chats.message(id)).text).toBe(text)
  })

  it.each([
    ['49 KiB', 'x'.repeat(49 * 1024), 'TOO_LARGE'],
    ['48 KiB and a byte', 'x'.repeat(48 * 1024 + 1), 'TOO_LARGE'],
    ['1 MiB', 'x'.repeat(1 << 20), 'TOO_LARGE'],
    ['48 KiB of characters that take three bytes', '€'.repeat(48 * 1024), 'TOO_LARGE'],
    ['nothing', '', 'EMPTY_TEXT'],
    ['white space', ' \n\t ', 'EMPTY_TEXT'],
    ['half a character', 'a\ud800b', 'INVALID'],
  ])('refuses a text of %s', async (_, text, wanted) => {
    await expect(alice.chats.send('bob', text)).rejects.toEqual(code(wanted))
    expect(await alice.chats.messages('bob')).toEqual([])
    expect((await alice.contacts.get('bob')).waiting).toBe(0)
  })

  it.each([
    ['a name that is not there', 'carol', 'UNKNOWN_CONTACT'],
    ['an address of nobody', stranger, 'UNKNOWN_CONTACT'],
    ['a prefix that is too short', 'b', 'UNKNOWN_CONTACT'],
    ['nothing', '', 'UNKNOWN_CONTACT'],
  ])('refuses to send to %s', async (_, who, wanted) => {
    await expect(alice.chats.send(who, 'hello')).rejects.toEqual(code(wanted))
  })

  it.each([
    ['no id', 'zz'],
    ['an id of nothing', 'ab'.repeat(32)],
  ])('says UNKNOWN_MESSAGE for %s', async (_, id) => {
    const hint = expect.stringContaining('sotto read WHO --json')
    const wanted = expect.objectContaining({ code: 'UNKNOWN_MESSAGE', hint })
    await expect(alice.chats.message(id)).rejects.toEqual(wanted)
    await expect(alice.chats.why(id)).rejects.toEqual(wanted)
    await expect(alice.chats.waitFor(id, 'read')).rejects.toEqual(wanted)
    await expect(alice.chats.messages('bob', { before: id })).rejects.toEqual(wanted)
  })

  it('does not explain a message of somebody else', async () => {
    const id = await deliver(alice, 'bob', 'hello')
    await expect(bob.chats.why(id)).rejects.toEqual(code('UNKNOWN_MESSAGE'))
  })

  it.each([-1, 1.5, Number.NaN, 1e9])('refuses a limit of %s', async (limit) => {
    await expect(alice.chats.messages('bob', { limit })).rejects.toEqual(code('INVALID'))
  })

  it('finds a contact by name in any case, by address, and by a prefix of four', async () => {
    for (const who of ['bob', ' BOB ', bob.address, bob.address.slice(0, 6)]) {
      expect((await alice.contacts.get(who)).address).toBe(bob.address)
    }
  })
})

async function until(node: RunningNode, wanted: (one: { text: string }) => boolean) {
  const stop = new AbortController()
  for await (const event of node.events.since(0, { signal: stop.signal })) {
    if (event.event === 'message' && wanted(event.message)) return event.message
  }
  throw new Error('the events ended')
}

describe('a call', () => {
  it('on a signal that was aborted before does nothing and says ABORTED', async () => {
    await pair()
    const signal = AbortSignal.abort()
    const calls: Record<string, () => Promise<unknown>> = {
      status: () => alice.status({ signal }),
      create: () => alice.invites.create({ signal }),
      invites: () => alice.invites.list({ signal }),
      revoke: () => alice.invites.revoke('abcd', { signal }),
      add: () => alice.contacts.add('x', { signal }),
      list: () => alice.contacts.list({ signal }),
      get: () => alice.contacts.get('bob', { signal }),
      rename: () => alice.contacts.rename('bob', 'x', { signal }),
      safetyNumber: () => alice.contacts.safetyNumber('bob', { signal }),
      verify: () => alice.contacts.verify('bob', true, { signal }),
      block: () => alice.contacts.block('bob', true, { signal }),
      remove: () => alice.contacts.remove('bob', { signal }),
      requests: () => alice.requests.list({ signal }),
      accept: () => alice.requests.accept('bob', { signal }),
      reject: () => alice.requests.reject('bob', { signal }),
      send: () => alice.chats.send('bob', 'x', { signal }),
      waitFor: () => alice.chats.waitFor('ab'.repeat(32), 'read', { signal }),
      messages: () => alice.chats.messages('bob', { signal }),
      message: () => alice.chats.message('ab'.repeat(32), { signal }),
      markRead: () => alice.chats.markRead('bob', undefined, { signal }),
      why: () => alice.chats.why('ab'.repeat(32), { signal }),
      cursor: () => alice.events.cursor({ signal }),
      settle: () => alice.settle(10, { signal }),
    }
    for (const [name, call] of Object.entries(calls)) {
      await expect(call(), name).rejects.toEqual(code('ABORTED'))
    }
    expect(await alice.contacts.get('bob')).toMatchObject({ state: 'ready', verified: false })
    await alice.close()
    for (const [name, call] of Object.entries(calls)) {
      await expect(call(), name).rejects.toEqual(code('CLOSED'))
    }
  })

  it('that waits ends with its signal, and with its node', async () => {
    await pair()
    await bob.close()
    const { id } = await alice.chats.send('bob', 'hello')
    const stop = new AbortController()
    const waits = alice.chats.waitFor(id, 'delivered', { signal: stop.signal })
    stop.abort()
    await expect(waits).rejects.toEqual(code('ABORTED'))
    const other = alice.chats.waitFor(id, 'delivered', { timeoutMs: 60_000 })
    const closed = expect(other).rejects.toEqual(code('CLOSED'))
    await alice.close()
    await closed
  })
})

describe('a relay', () => {
  it('holds what is sent to somebody who is away', async () => {
    const relay = await net.relay()
    alice = await net.node('alice', { relays: [relay], listens: false })
    bob = await net.node('bob', { relays: [relay], listens: false })
    await net.introduce(alice, bob)
    await bob.close()
    const { id } = await alice.chats.send('bob', 'while you were away')
    expect(await alice.chats.waitFor(id, 'relayed', { timeoutMs: 10_000 })).toEqual({
      id,
      state: 'relayed',
    })
    bob = await net.node('bob', { relays: [relay], listens: false })
    await bob.settle(5_000)
    expect((await bob.chats.messages('alice')).map(({ text }) => text)).toEqual([
      'while you were away',
    ])
    const [held] = (await alice.status()).relays
    expect(held).toMatchObject({ connected: true, trouble: '' })
  })
})
