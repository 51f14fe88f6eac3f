import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RunningNode } from '../../../node/create-node.ts'
import { makeBot } from '../../../node/bot.ts'
import { type TestNetwork, createTestNetwork } from '../../../node/test-network.ts'
import { groupIs } from '../groups/wait.ts'

let net: TestNetwork

beforeEach(() => {
  net = createTestNetwork()
})
afterEach(() => net.close())

/** Says something, and gives the answer to it. */
async function ask(node: RunningNode, who: string, text: string): Promise<string> {
  const events = node.events.since(undefined, { signal: AbortSignal.timeout(10_000) })
  const { id } = await node.chats.send(who, text)
  for await (const event of events) {
    if (event.event === 'message' && event.message.replyTo === id) return event.message.text
  }
  throw new Error('no answer')
}

describe('a bot', () => {
  it('answers texts and commands, lists them, and never itself', async () => {
    const node = await net.node('echo')
    const bot = makeBot(node)
    const texts: string[] = []
    bot
      .command('ping', 'replies pong', (context) => context.reply(`pong ${context.args}`.trim()))
      .on('text', (context) => {
        texts.push(context.text)
        return context.reply(`You said: ${context.text}`)
      })
    const alice = await net.node('alice')
    await net.introduce(node, alice)
    expect(await ask(alice, 'echo', 'hello')).toBe('You said: hello')
    expect(await ask(alice, 'echo', '/ping')).toBe('pong')
    expect(await ask(alice, 'echo', '/PING twice now')).toBe('pong twice now')
    expect(await ask(alice, 'echo', '/help')).toBe('/ping replies pong')
    expect(await ask(alice, 'echo', '/nothing')).toBe('You said: /nothing')
    expect(texts).toEqual(['hello', '/nothing'])
  })

  it('tells what a handler threw, and goes on with the next one', async () => {
    const node = await net.node('echo')
    const errors: unknown[] = []
    const bot = makeBot(node, { onError: (error) => errors.push(error) })
    bot
      .on('text', () => {
        throw new Error('a defect of the handler')
      })
      .on('text', (context) => context.reply('still here'))
    const alice = await net.node('alice')
    await net.introduce(node, alice)
    expect(await ask(alice, 'echo', 'hello')).toBe('still here')
    expect(errors).toHaveLength(1)
  })

  it('that accepts everyone answers also the first message of a stranger', async () => {
    const relays = [await net.relay()]
    const node = await net.node('echo', { relays, listens: false })
    const alice = await net.node('alice', { relays, listens: false })
    await net.introduce(node, alice)
    makeBot(node, { accept: 'everyone' }).on('text', (context) => context.reply('welcome'))
    expect(await ask(alice, 'echo', 'hello')).toBe('welcome')
    // As a stranger again.
    await node.contacts.remove('alice')
    expect(await ask(alice, 'echo', 'it is me')).toBe('welcome')
    expect((await node.contacts.get('alice')).state).toBe('ready')
  })

  it('that accepts everyone answers in a group also who is no contact of it', async () => {
    const relays = [await net.relay()]
    const node = await net.node('echo', { relays, listens: false })
    const alice = await net.node('alice', { relays, listens: false })
    const carol = await net.node('carol', { relays, listens: false })
    await alice.groups.create('team')
    const { link } = await alice.groups.invite('#team', { reusable: true })
    await node.groups.join(link)
    await carol.groups.join(link)
    await groupIs(carol, (group) => group.members.length === 3)
    await groupIs(node, (group) => group.members.length === 3)
    const errors: unknown[] = []
    makeBot(node, { accept: 'everyone', onError: (error) => errors.push(error) }).on(
      'text',
      (context) => context.reply('welcome'),
    )
    expect(await ask(carol, '#team', 'hello')).toBe('welcome')
    expect(errors).toEqual([])
  })

  it('answers later what came while it was away', async () => {
    const node = await net.node('echo')
    const alice = await net.node('alice')
    await net.introduce(node, alice)
    makeBot(node).on('text', (context) => context.reply('live'))
    expect(await ask(alice, 'echo', 'one')).toBe('live')
    await node.close()
    const deaf = await net.node('echo')
    const { id } = await alice.chats.send('echo', 'two')
    await alice.chats.waitFor(id, 'delivered', { timeoutMs: 10_000 })
    await deaf.close()
    const events = alice.events.since(undefined, { signal: AbortSignal.timeout(10_000) })
    makeBot(await net.node('echo')).on('text', (context) => context.reply('late'))
    for await (const event of events) {
      if (event.event === 'message' && event.message.replyTo === id) {
        expect(event.message.text).toBe('late')
        return
      }
    }
    throw new Error('no answer')
  })

  it('takes no command of an impossible name', async () => {
    const bot = makeBot(await net.node('echo'))
    expect(() => bot.command('a b', '', () => undefined)).toThrow(
      expect.objectContaining({ code: 'INVALID' }),
    )
  })
})
