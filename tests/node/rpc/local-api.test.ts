import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { type Socket, connect as connectSocket, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { NodeEvent } from '../../../node/api.ts'
import { NodeError } from '../../../node/errors.ts'
import {
  Connection,
  type NodeServer,
  connect,
  isClosing,
  serveNode,
} from '../../../node/rpc/index.ts'
import { EVENT_WINDOW, MAX_CALLS, REQUEST_MAX_BYTES } from '../../../node/rpc/limits.ts'
import { METHOD_NAMES } from '../../../node/rpc/methods.ts'
import { BOB, FakeNode } from '../../support/fake-node.ts'

let folder: string
let socket: string
let fake: FakeNode
let server: NodeServer

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sotto-rpc-'))
  socket = join(folder, 's')
  fake = new FakeNode()
  server = await serveNode(fake, socket, { addresses: () => fake.addresses(), lasting: true })
})

afterEach(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})

/** Writes lines to the socket as they are and collects what comes back. */
async function raw(lines: string, answers: number): Promise<readonly Record<string, unknown>[]> {
  const stream: Socket = connectSocket(socket)
  let text = ''
  stream.write(lines)
  for await (const chunk of stream) {
    text += String(chunk)
    if (text.split('\n').length > answers) break
  }
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

async function take(events: AsyncIterable<NodeEvent>, count: number): Promise<NodeEvent[]> {
  const taken: NodeEvent[] = []
  for await (const event of events) {
    taken.push(event)
    if (taken.length === count) break
  }
  return taken
}

async function failure(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('it did not fail')
}

/** Settles when the server has handled everything a connection sent before. */
async function inOrder(connection: Connection): Promise<void> {
  await connection.request('daemon.info', {}, {})
}

describe('the local API', () => {
  test('gives the same interface over the socket as the node itself', async () => {
    const node = await connect({ socket })
    expect([node.name, node.address]).toEqual(['alice', fake.address])
    const sent = await node.chats.send('bob', 'hi', { replyTo: 'ff' })
    expect(fake.log[0]).toMatchObject({ text: 'hi', replyTo: 'ff' })
    expect(await node.chats.messages('bob')).toEqual(fake.log)
    expect(await node.chats.messages(undefined, { limit: 5, unread: true })).toEqual([])
    expect(await node.chats.message(sent.id)).toEqual(fake.log[0])
    expect(await node.chats.why(sent.id)).toEqual(await fake.chats.why(sent.id))
    expect(await node.status()).toEqual(await fake.status())
    const invite = await node.invites.create({ reusable: true, expiresInMs: 5 })
    expect(await node.invites.list()).toEqual([invite])
    expect(await node.invites.revoke(invite.id)).toBeUndefined()
    expect((await node.contacts.add('sotto:x', { name: 'eve' })).name).toBe('eve')
    expect((await node.contacts.list()).length).toBe(3)
    expect((await node.contacts.get('bbbb')).address).toBe(BOB)
    expect((await node.contacts.rename('bob', 'rob')).name).toBe('rob')
    expect(await node.contacts.safetyNumber('rob')).toHaveLength(71)
    expect((await node.contacts.verify('rob', true)).verified).toBe(true)
    expect((await node.contacts.block('rob', true)).state).toBe('blocked')
    expect((await node.contacts.remove('rob')).state).toBe('removed')
    expect((await node.requests.list())[0]?.name).toBe('mallory')
    expect((await node.requests.accept('mallory', { name: 'm' })).name).toBe('m')
    expect(await node.requests.reject('mallory')).toBeUndefined()
    await node.chats.markRead('rob', 7)
    expect(fake.read.get('rob')).toBe(7)
    expect(await node.events.cursor()).toBe(await fake.events.cursor())
    await node.settle(1)
    expect(fake.settled).toBe(1)
    await node.close()
    expect(fake.closed).toBe(false)
  })

  test('carries text exactly', async () => {
    const node = await connect({ socket })
    const text = '\ufeff a\n\u2028\u202e\u0000\u009b ' + '\u{1F389}'.repeat(12_000)
    await node.chats.send('bob', text)
    expect(fake.log[0]?.text).toBe(text)
    expect((await node.chats.messages('bob'))[0]?.text).toBe(text)
    await node.close()
  })

  test('keeps code, sentence and hint of an error', async () => {
    const node = await connect({ socket })
    const error = await failure(node.contacts.get('nobody'))
    expect(error).toBeInstanceOf(NodeError)
    expect(error).toMatchObject({
      code: 'UNKNOWN_CONTACT',
      message: 'nobody is called nobody',
      hint: 'See: sotto contact list',
      retryable: false,
    })
    await node.close()
  })

  test('refuses parameters that do not fit, and methods that are not there', async () => {
    const connection = await Connection.open({ socket })
    const cases: readonly (readonly [string, object])[] = [
      ['chats.send', { who: 'bob' }],
      ['chats.send', { who: 'bob', text: 5 }],
      ['chats.messages', { limit: -1 }],
      ['chats.messages', { limit: 1.5 }],
      ['chats.waitFor', { id: 'x', state: 'queued' }],
      ['contacts.verify', { who: 'bob', verified: 'yes' }],
      ['events.subscribe', { subscription: 'x' }],
    ]
    for (const [method, parameters] of cases) {
      expect(await failure(connection.request(method, parameters, {})), method).toMatchObject({
        code: 'INVALID',
      })
    }
    expect(await failure(connection.request('constructor', {}, {}))).toBeInstanceOf(NodeError)
    expect(await failure(connection.request('toString', {}, {}))).toBeInstanceOf(NodeError)
    await connection.close()
  })

  test('has a method for everything that the interface can do', () => {
    const paths = (
      ['relays', 'invites', 'contacts', 'requests', 'groups', 'chats'] as const
    ).flatMap((part) => Object.keys(fake[part]).map((name) => `${part}.${name}`))
    expect([...METHOD_NAMES].sort()).toEqual(
      [...paths, 'events.cursor', 'settle', 'stats', 'status'].sort(),
    )
  })

  test('is for its user alone', async () => {
    expect((await stat(socket)).mode & 0o777).toBe(0o600)
  })

  test('replaces a stale socket file', async () => {
    const path = join(folder, 'stale')
    await writeFile(path, '')
    const other = await serveNode(fake, path)
    const node = await connect({ socket: path })
    await node.close()
    await other.close()
    await expect(stat(path)).rejects.toThrow('ENOENT')
  })

  test('says CLOSED where nobody listens', async () => {
    expect(await failure(connect({ socket: join(folder, 'none') }))).toMatchObject({
      code: 'CLOSED',
    })
  })

  test('answers what is no request, and goes on', async () => {
    const [broken, odd, good] = await raw(
      '{"jsonrpc\n[1]\n{"jsonrpc":"2.0","id":7,"method":"status"}\n',
      3,
    )
    expect(broken).toMatchObject({ error: { code: -32_700 } })
    expect(odd).toMatchObject({ error: { code: -32_600 } })
    expect(good).toMatchObject({ id: 7, result: { name: 'alice' } })
  })

  test('drops a connection that sends a line without end', async () => {
    const [answer] = await raw('x'.repeat(REQUEST_MAX_BYTES + 1), 99)
    expect(answer).toMatchObject({ error: { data: { code: 'TOO_LARGE' } } })
  })

  test('takes lines in any pieces', async () => {
    const stream = connectSocket(socket)
    const line = Buffer.from(
      '{"jsonrpc":"2.0","id":1,"method":"chats.send","params":{"who":"bob","text":"é🎉"}}\n',
    )
    for (const byte of line) stream.write(Buffer.of(byte))
    for await (const _ of stream) break
    expect(fake.log[0]?.text).toBe('é🎉')
  })

  test('bounds the calls of one connection', async () => {
    const connection = await Connection.open({ socket })
    const { id } = fake.put('bob', 'x', true)
    const calls = Array.from({ length: MAX_CALLS }, () => {
      const stop = new AbortController()
      const parameters = { id, state: 'read' }
      const made = connection.request('chats.waitFor', parameters, { signal: stop.signal })
      return { stop, made: failure(made) }
    })
    expect(await failure(connection.request('status', {}, {}))).toMatchObject({ code: 'INVALID' })
    for (const { stop } of calls) stop.abort('stopped')
    expect(new Set(await Promise.all(calls.map(({ made }) => made)))).toEqual(new Set(['stopped']))
    await inOrder(connection)
    await connection.close()
  })

  test('lets a caller give up', async () => {
    const node = await connect({ socket })
    const { id } = fake.put('bob', 'x', true)
    const stop = new AbortController()
    const reason = new Error('enough')
    const waiting = failure(node.chats.waitFor(id, 'read', { signal: stop.signal }))
    stop.abort(reason)
    expect(await waiting).toBe(reason)
    expect(await failure(node.status({ signal: stop.signal }))).toBe(reason)
    await node.close()
  })
})

describe('events over the local API', () => {
  test('come from a cursor on, then live', async () => {
    const node = await connect({ socket })
    fake.put('bob', 'one', false)
    fake.put('bob', 'two', false)
    const seen = take(node.events.since(2), 2)
    fake.put('bob', 'three', false)
    expect((await seen).map((event) => event.cursor)).toEqual([2, 3])
    await node.close()
  })

  test('wait for a slow reader instead of filling memory, and lose nothing', async () => {
    const total = EVENT_WINDOW * 4
    let pulled = 0
    const since = fake.events.since.bind(fake.events)
    Object.assign(fake.events, {
      since: async function* counted(...parameters: Parameters<typeof since>) {
        for await (const event of since(...parameters)) {
          pulled += 1
          yield event
        }
      },
    })
    for (let count = 0; count < total; count += 1) {
      fake.emit({ event: 'warning', code: 'TEST', text: String(count) })
    }
    const connection = await Connection.open({ socket })
    const events = connection.subscribe(0, {})
    const first = await events.next()
    await inOrder(connection)
    expect(pulled).toBe(EVENT_WINDOW)
    const rest = await take(events, total - 1)
    expect([first.value, ...rest].map((event: NodeEvent) => event.cursor)).toEqual(
      Array.from({ length: total }, (_, at) => at + 1),
    )
    await connection.close()
  })

  test('end with the error that the node gave', async () => {
    Object.assign(fake.events, {
      since: async function* old() {
        yield* []
        throw new NodeError('CURSOR_TOO_OLD', 'read anew', { hint: 'h' })
      },
    })
    const node = await connect({ socket })
    expect(await failure(take(node.events.since(3), 1))).toMatchObject({
      code: 'CURSOR_TOO_OLD',
      hint: 'h',
    })
    await node.close()
  })

  test('end quietly when the signal aborts, and the server stops its work', async () => {
    let ended = 0
    const since = fake.events.since.bind(fake.events)
    Object.assign(fake.events, {
      since: async function* watched(...parameters: Parameters<typeof since>) {
        try {
          yield* since(...parameters)
        } finally {
          ended += 1
        }
      },
    })
    const connection = await Connection.open({ socket })
    const stop = new AbortController()
    const reading = take(connection.subscribe(undefined, { signal: stop.signal }), 1)
    await inOrder(connection)
    stop.abort()
    expect(await reading).toEqual([])
    await inOrder(connection)
    expect(ended).toBe(1)
    await connection.close()
  })

  test('reach listeners: messages of others alone, with a way to reply', async () => {
    const problems: unknown[] = []
    const node = await connect({ socket, report: (error) => problems.push(error) })
    const heard = new Promise<string>((resolve) => {
      const stop = node.on('message', async (message) => {
        if (message.text === 'bad') throw new Error('listener')
        await message.reply(`echo ${message.text}`)
        stop()
        resolve(message.text)
      })
    })
    await node.status()
    fake.put('bob', 'mine', true)
    fake.put('bob', 'bad', false)
    fake.put('bob', 'theirs', false)
    expect(await heard).toBe('theirs')
    expect(fake.log.at(-1)).toMatchObject({
      text: 'echo theirs',
      mine: true,
      replyTo: fake.log[2]?.id,
    })
    expect(problems).toEqual([new Error('listener')])
    await node.close()
  })
})

describe('an owner that closes', () => {
  test('finishes what changes something, and answers all else that it is closing', async () => {
    const connection = await Connection.open({ socket })
    const { id } = fake.put('bob', 'before', true)
    let open: () => void = () => undefined
    fake.gate = new Promise((resolve) => (open = resolve))
    const sending = connection.request('chats.send', { who: 'bob', text: 'now' }, {})
    const waiting = failure(connection.request('chats.waitFor', { id, state: 'read' }, {}))
    const events = failure(take(connection.subscribe(undefined, {}), 1))
    await inOrder(connection)
    const closing = server.close()
    const late = failure(connection.request('status', {}, {}))
    expect(isClosing(await waiting)).toBe(true)
    expect(isClosing(await events)).toBe(true)
    expect(isClosing(await late)).toBe(true)
    open()
    expect(await sending).toMatchObject({ state: 'queued' })
    await closing
    expect(fake.log.at(-1)?.text).toBe('now')
    await connection.close()
  })

  test('that dies without a word is no closing: the call may have been made', async () => {
    const path = join(folder, 'dying')
    const info = { v: 1, pid: 1, name: 'x', address: 'y', addresses: [], lasting: true }
    let lines = 0
    const dying = createServer((stream) => {
      stream.on('data', () => {
        lines += 1
        if (lines > 1) stream.destroy()
        else stream.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, result: info })}\n`)
      })
    })
    await new Promise<void>((resolve) => dying.listen(path, resolve))
    const node = await connect({ socket: path })
    const error = await failure(node.chats.send('bob', 'x'))
    expect(error).toMatchObject({ code: 'CLOSED' })
    expect(isClosing(error)).toBe(false)
    expect(await failure(node.status())).toMatchObject({ code: 'CLOSED' })
    await new Promise((resolve) => dying.close(resolve))
  })

  test('daemon.stop reaches whoever runs the node', async () => {
    let stopped = 0
    const path = join(folder, 'd')
    const daemon = await serveNode(fake, path, { lasting: true, stop: () => (stopped += 1) })
    const connection = await Connection.open({ socket: path })
    expect(connection.info).toMatchObject({ v: 1, pid: process.pid, name: 'alice', lasting: true })
    await connection.stopDaemon()
    expect(stopped).toBe(1)
    await connection.close()
    await daemon.close()
  })
})
