// kill -9 between a message's arrival and whatever comes next: nothing is lost, nothing twice.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type RunningNode, createNode, initProfile } from '../../node/index.ts'
import { buildPrograms } from './build-programs.ts'
import { Child, freePort } from './child.ts'

const MESSAGES = Array.from({ length: 10 }, (_, i) => `message ${i + 1}`)

let root: string
let sender: RunningNode | undefined
const children: Child[] = []

beforeAll(buildPrograms)

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sotto-kill-'))
})
afterEach(async () => {
  await sender?.close()
  sender = undefined
  for (const child of children.splice(0)) await child.kill()
  await rm(root, { recursive: true, force: true })
})
function start(program: string, ...args: string[]): Child {
  const child = new Child(program, args)
  children.push(child)
  return child
}

const linkOf = (child: Child) => child.until((said) => said.find((one) => one.link)?.link)
const texts = (child: Child) => child.said.flatMap(({ text }) => (text === undefined ? [] : [text]))
const count = (child: Child, wanted: number) =>
  child.until(() => (texts(child).length >= wanted ? true : undefined))

async function startSender(relays: readonly string[] = []): Promise<RunningNode> {
  const dir = join(root, 'sender')
  await initProfile({ dir, name: 'Sender', relays })
  const listen = relays.length === 0 ? ['/ip4/127.0.0.1/tcp/0'] : []
  sender = await createNode({ dir, listen })
  return sender
}

describe('kill -9', () => {
  it('of a receiver in the middle of ten messages: all there, once, in order', async () => {
    const listen = `/ip4/127.0.0.1/tcp/${await freePort()}`
    const first = start('receiver.js', join(root, 'receiver'), listen)
    const link = await linkOf(first)
    const sender = await startSender()
    const { address } = await sender.contacts.add(link, { name: 'Receiver' })
    for await (const event of sender.events.since(0)) {
      if (event.event === 'contact' && event.contact.state === 'ready') break
    }
    const ids: string[] = []
    const sending = (async () => {
      for (const text of MESSAGES) ids.push((await sender.chats.send(address, text)).id)
    })()
    await count(first, 3)
    await first.kill()
    await sending
    const second = start('receiver.js', join(root, 'receiver'), listen)
    for (const id of ids) await sender.chats.waitFor(id, 'delivered', { timeoutMs: 60_000 })
    await count(second, MESSAGES.length)
    expect(texts(second)).toEqual(MESSAGES)
    // What it showed before it was killed is what it shows after it.
    expect(texts(second).slice(0, texts(first).length)).toEqual(texts(first))
  })

  it.each([0, 1, 3, 5, 7, 8])(
    'of a receiver whose first contact is not finished, after %d of ten messages: all there',
    { timeout: 60_000 },
    async (shown) => {
      const listen = `/ip4/127.0.0.1/tcp/${await freePort()}`
      const first = start('receiver.js', join(root, 'receiver'), listen)
      const link = await linkOf(first)
      const sender = await startSender()
      const { address } = await sender.contacts.add(link, { name: 'Receiver' })
      const ids: string[] = []
      for (const text of MESSAGES) ids.push((await sender.chats.send(address, text)).id)
      await count(first, shown)
      await first.kill()
      const second = start('receiver.js', join(root, 'receiver'), listen)
      for (const id of ids) await sender.chats.waitFor(id, 'delivered', { timeoutMs: 30_000 })
      await count(second, MESSAGES.length)
      expect(texts(second)).toEqual(MESSAGES)
    },
  )

  it('of a relay in the middle of ten messages: all there, once, in order', async () => {
    const listen = `/ip4/127.0.0.1/tcp/${await freePort()}`
    let relay = start('relay.js', join(root, 'relay'), listen)
    const relayAddress = await relay.until((said) => said.find((one) => one.address)?.address)
    const receiver = start('receiver.js', join(root, 'receiver'), '', relayAddress)
    const link = await linkOf(receiver)
    const sender = await startSender([relayAddress])
    const { address } = await sender.contacts.add(link, { name: 'Receiver' })
    const ids: string[] = []
    const sending = (async () => {
      for (const text of MESSAGES) ids.push((await sender.chats.send(address, text)).id)
    })()
    await count(receiver, 3)
    await relay.kill()
    await sending
    relay = start('relay.js', join(root, 'relay'), listen)
    await count(receiver, MESSAGES.length)
    expect(texts(receiver)).toEqual(MESSAGES)
    for (const id of ids) await sender.chats.waitFor(id, 'delivered', { timeoutMs: 60_000 })
  })
})
