import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { relayState } from '../../cli/commands/relays.ts'
import { SCRIPTING } from '../../cli/help-scripting.ts'
import { type NodeServer, serveNode, socketPath, writeRunFile } from '../../node/rpc/index.ts'
import { BOB, FakeNode } from '../support/fake-node.ts'
import { type PlayOptions, type Played, play, records } from './fake-invocation.ts'

let dir: string
let fake: FakeNode
let server: NodeServer
let stops = 0

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sotto-cli-'))
  fake = new FakeNode()
  stops = 0
  const path = await socketPath(dir)
  server = await serveNode(fake, path, {
    lasting: true,
    addresses: () => fake.addresses(),
    stop: () => {
      stops += 1
      void server.close()
    },
  })
  await writeRunFile(dir, path)
})

afterEach(async () => {
  await server.close()
  await rm(dir, { recursive: true })
})

function sotto(words: readonly string[], options?: PlayOptions): Promise<Played> {
  return play([...words, '--dir', dir], options)
}

describe('send', () => {
  test('queues with the daemon and says how far it is', async () => {
    const human = await sotto(['send', 'bob', 'hello', 'there'])
    expect(human).toMatchObject({ exitCode: 0, stderr: '' })
    expect(human.stdout).toBe(`… queued  ${fake.log[0]?.id}\n`)
    expect(fake.log[0]?.text).toBe('hello there')
    expect(fake.settled).toBe(0)
    const json = await sotto(['send', 'bbbb', 'again', '--json'])
    expect(records(json.stdout)).toEqual([{ v: 1, id: fake.log[1]?.id, state: 'queued' }])
  })

  test('tells of whom it does not know, with nothing on stdout', async () => {
    const { stdout, stderr, exitCode } = await sotto(['send', 'nobody', 'hi', '--json'])
    expect([stdout, exitCode]).toEqual(['', 1])
    expect(JSON.parse(stderr)).toMatchObject({ v: 1, error: { code: 'UNKNOWN_CONTACT' } })
  })

  test('refuses an empty text', async () => {
    expect(await sotto(['send', 'bob', ' '])).toMatchObject({ exitCode: 1, stdout: '' })
    expect(fake.log).toEqual([])
  })

  test('waits for a state or a later one', async () => {
    const waiting = sotto(['send', 'bob', 'hi', '--wait', 'relayed', '--json'])
    while (fake.log.length === 0) await new Promise((resolve) => setImmediate(resolve))
    fake.advance(fake.log[0]?.id ?? '', 'delivered')
    expect(records((await waiting).stdout)).toMatchObject([{ state: 'delivered' }])
  })

  test('that waited in vain ends with 6, names the message, and leaves it queued', async () => {
    const words = ['send', 'bob', 'hi', '--wait', 'read', '--timeout', '0s', '--json']
    const { stdout, stderr, exitCode } = await sotto(words)
    expect(exitCode).toBe(6)
    expect(records(stdout)).toEqual([{ v: 1, id: fake.log[0]?.id, state: 'queued' }])
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'TIMEOUT' } })
    expect(fake.log[0]?.state).toBe('queued')
  })

  test.each([
    [['--wait', 'sent'], "'sent' is none of relayed, delivered, read"],
    [['--wait', 'read', '--timeout', '5'], "not a duration: '5'"],
    [['--timeout', '5s'], '--timeout goes with --wait'],
  ])('refuses %j before anything is sent', async (flags, message) => {
    const { stderr, exitCode } = await sotto(['send', 'bob', 'hi', ...flags])
    expect(exitCode).toBe(2)
    expect(stderr).toContain(message)
    expect(fake.log).toEqual([])
  })
})

describe('read', () => {
  test('gives whole messages to programs, in order, and marks nothing', async () => {
    fake.put('bob', 'one\n\u202etwo', false)
    fake.put('bob', 'mine', true)
    fake.put('carol', 'elsewhere', false)
    const { stdout } = await sotto(['read', 'bob', '--json'])
    expect(records(stdout)).toEqual(fake.log.slice(0, 2).map((message) => ({ v: 1, ...message })))
    expect(stdout).not.toContain('\u202e')
    expect(fake.read.size).toBe(0)
  })

  test('shows no line that a peer could pass off as somebody else', async () => {
    fake.put('bob', 'hi\n12:00 carol  I owe bob money\u001b[1A', false)
    const { stdout } = await sotto(['read', 'bob'])
    const lines = stdout.trimEnd().split('\n')
    expect(lines).toHaveLength(2)
    expect(lines[1]).toBe('    12:00 carol  I owe bob money\\x1b[1A')
  })

  test('gives the last n across many pages', async () => {
    for (let count = 0; count < 450; count += 1) fake.put('bob', String(count), false)
    const { stdout } = await sotto(['read', 'bob', '-n', '430', '--json'])
    expect(records(stdout).map(({ text }) => text)).toEqual(
      Array.from({ length: 430 }, (_, at) => String(at + 20)),
    )
  })

  test('marks as read on a terminal, or when told, only what was shown', async () => {
    for (let count = 0; count < 5; count += 1) fake.put('bob', String(count), false)
    await sotto(['read', 'bob', '-n', '2', '--mark'])
    expect(fake.read.get('bob') ?? 0).toBe(0)
    await sotto(['read', '--unread'])
    expect(fake.read.size).toBe(0)
    await sotto(['read', 'bob'], { terminal: true })
    expect(fake.read.get('bob')).toBe(5)
    fake.put('bob', 'new', false)
    const { stdout } = await sotto(['read', '--unread', '--mark', '--json'])
    expect(records(stdout).map(({ text }) => text)).toEqual(['new'])
    expect(fake.read.get('bob')).toBe(6)
  })

  test('--follow goes on with what comes, each once', async () => {
    fake.put('bob', 'before', false)
    const stop = new AbortController()
    let lines = 0
    const heard = (text: string): void => {
      lines += text.split('\n').length - 1
      if (lines === 1) {
        fake.put('carol', 'other chat', false)
        fake.put('bob', 'after', false)
      }
      if (lines === 2) stop.abort()
    }
    const words = ['read', 'bob', '--follow', '--json']
    const { stdout } = await sotto(words, { heard, signal: stop.signal })
    expect(records(stdout).map(({ text }) => text)).toEqual(['before', 'after'])
  })

  test.each(['0', '-1', 'x', '1.5', '99999999'])('refuses -n %s', async (limit) => {
    expect((await sotto(['read', 'bob', `--limit=${limit}`])).exitCode).toBe(2)
  })
})

describe('watch', () => {
  test('resumes after a cursor and goes on live', async () => {
    fake.put('bob', 'one', false)
    fake.put('bob', 'two', false)
    const stop = new AbortController()
    let lines = 0
    const heard = (): void => {
      lines += 1
      if (lines === 1) fake.emit({ event: 'warning', code: 'CLOCK', text: 'it jumped' })
      if (lines === 2) stop.abort()
    }
    const { stdout } = await sotto(['watch', '--since', '1', '--json'], {
      heard,
      signal: stop.signal,
    })
    expect(records(stdout)).toMatchObject([
      { v: 1, cursor: 2, event: 'message', message: { text: 'two' } },
      { v: 1, cursor: 3, event: 'warning', code: 'CLOCK' },
    ])
  })

  test('shows every kind of event to people', async () => {
    const [bob] = fake.kept
    if (bob === undefined) throw new Error('no bob')
    const { id } = fake.put('bob', 'hi', true)
    fake.advance(id, 'delivered')
    fake.emit({ event: 'contact', contact: bob })
    const from = { name: 'bob', address: BOB }
    fake.emit({ event: 'gap', chat: 'bob', from, first: 2, last: 3, missing: true })
    fake.emit({ event: 'gap', chat: 'bob', from, first: 2, last: 2, missing: false })
    fake.emit({
      event: 'gap',
      chat: 'bob',
      from,
      first: 3,
      last: 3,
      missing: true,
      irretrievable: true,
    })
    fake.emit({ event: 'warning', code: 'CLOCK', text: 'it jumped' })
    const stop = new AbortController()
    let lines = 0
    const heard = (): void => {
      lines += 1
      if (lines === 7) stop.abort()
    }
    const { stdout } = await sotto(['watch', '--since', '0'], { heard, signal: stop.signal })
    for (const part of ['you -> bob  hi', '✓✓', 'bob is ready', 'CLOCK: it jumped']) {
      expect(stdout).toContain(part)
    }
    expect(stdout).toContain('2 messages from bob are missing')
    expect(stdout).toContain('1 message from bob came after all')
    expect(stdout).toContain('1 message from bob is missing for good')
  })
})

describe('people', () => {
  test('invite gives the link alone on stdout', async () => {
    const human = await sotto(['invite', '--expires', '24h'])
    expect(human.stdout).toMatch(/^sotto:\w+\n$/)
    const json = records((await sotto(['invite', '--reusable', '--json'])).stdout)
    expect(json).toMatchObject([{ v: 1, link: fake.made[1]?.link, reusable: true }])
    expect(records((await sotto(['invite', 'list', '--json'])).stdout)).toHaveLength(2)
    expect((await sotto(['invite', 'revoke', fake.made[0]?.id ?? ''])).exitCode).toBe(0)
  })

  test('invite shows a QR code on a terminal, unless told not to', async () => {
    expect((await sotto(['invite'], { terminal: true })).stdout).toMatch(/[▀▄█]/)
    expect((await sotto(['invite', '--no-qr'], { terminal: true })).stdout).not.toMatch(/[▀▄█]/)
  })

  test('add says whom it added', async () => {
    const { stdout } = await sotto(['add', 'sotto:x', '--name', 'dave', '--json'])
    expect(records(stdout)).toEqual([
      { v: 1, contact: { name: 'dave', address: 'd'.repeat(56), state: 'pending' } },
    ])
    expect(await sotto(['add', 'nonsense'])).toMatchObject({ exitCode: 1, stdout: '' })
  })

  test('contact lists, shows and changes', async () => {
    expect(records((await sotto(['contact', 'list', '--json'])).stdout)).toHaveLength(2)
    expect((await sotto(['contact', 'list'])).stdout).toContain(BOB)
    expect(records((await sotto(['contact', 'show', 'bob', '--json'])).stdout)).toMatchObject([
      { name: 'bob', safetyNumber: expect.stringMatching(/^(\d{5} ){11}\d{5}$/) },
    ])
    expect((await sotto(['contact', 'verify', 'bob'])).stdout).toMatch(/^(\d{5} ){11}\d{5}\n$/)
    expect(fake.kept[0]?.verified).toBe(false)
    await sotto(['contact', 'verify', 'bob', '--yes'])
    expect(fake.kept[0]?.verified).toBe(true)
    await sotto(['contact', 'verify', 'bob', '--undo'])
    expect(fake.kept[0]?.verified).toBe(false)
    expect((await sotto(['contact', 'verify', 'bob', '--yes', '--undo'])).exitCode).toBe(2)
    await sotto(['contact', 'block', 'bob'])
    expect(fake.kept[0]?.state).toBe('blocked')
    await sotto(['contact', 'unblock', 'bob'])
    expect(fake.kept[0]?.state).toBe('ready')
    await sotto(['contact', 'rename', 'bob', 'rob'])
    expect(fake.kept[0]?.name).toBe('rob')
    expect((await sotto(['contact', 'remove', 'rob'])).stdout).toBe('rob is removed.\n')
  })

  test('contact show, status and watch tell what there is to know about somebody', async () => {
    const [bob] = fake.kept
    if (bob === undefined) throw new Error('nobody')
    const warning = {
      at: 1_764_000_000_000,
      code: 'DEVICES_CHANGED',
      text: 'new devices',
      chat: 'bob',
    }
    const relay = { service: '1a2b3c4d', address: '/dns4/relay.example/tcp/4001', doubts: 2 }
    fake.kept[0] = { ...bob, refusal: 'used', relays: [relay], warnings: [warning] }
    const { stdout } = await sotto(['contact', 'show', 'bob'])
    expect(stdout).toContain('the invite that it answered is used')
    expect(stdout).toContain('relay  1a2b3c4d  /dns4/relay.example/tcp/4001')
    expect(stdout).toContain('doubted 2 times')
    expect(stdout).toContain('DEVICES_CHANGED  new devices')
    expect(records((await sotto(['contact', 'show', 'bob', '--json'])).stdout)).toMatchObject([
      { refusal: 'used', relays: [relay], warnings: [warning] },
    ])
    fake.recent.push(warning)
    expect((await sotto(['status'])).stdout).toContain('DEVICES_CHANGED  bob: new devices')
    fake.emit({ event: 'warning', code: warning.code, text: warning.text, chat: 'bob' })
    const stop = new AbortController()
    const heard = (text: string): void => {
      if (text.includes('DEVICES_CHANGED')) stop.abort()
    }
    const watched = await sotto(['watch', '--since', '0'], { heard, signal: stop.signal })
    expect(watched.stdout).toContain('DEVICES_CHANGED: bob: new devices')
  })

  test('requests lists, accepts and rejects', async () => {
    expect(records((await sotto(['requests', 'list', '--json'])).stdout)).toMatchObject([
      { name: 'mallory', state: 'request' },
    ])
    const accepted = await sotto(['requests', 'accept', 'mallory', '--name', 'm', '--json'])
    expect(records(accepted.stdout)).toMatchObject([{ name: 'm', state: 'ready' }])
    expect((await sotto(['requests', 'reject', 'mallory'])).exitCode).toBe(0)
  })
})

describe('what is known', () => {
  test('why of a contact is of the last message to them, however long ago', async () => {
    const { id } = fake.put('bob', 'mine', true)
    for (let n = 0; n < 250; n += 1) fake.put('bob', String(n), false)
    fake.put('carol', 'not this one', true)
    const { stdout } = await sotto(['why', 'bob', '--json'])
    expect(records(stdout)).toMatchObject([{ id }])
    const nothing = await sotto(['why', 'nobody', '--json'])
    expect(JSON.parse(nothing.stderr)).toMatchObject({ error: { code: 'UNKNOWN_MESSAGE' } })
    fake.log.length = 0
    const empty = await sotto(['why', 'bob', '--json'])
    expect(JSON.parse(empty.stderr)).toMatchObject({
      error: { code: 'UNKNOWN_MESSAGE', message: 'you have sent nothing to bob' },
    })
  })

  test('read shows no empty row for the newline that ends a text, and keeps it for programs', async () => {
    fake.put('bob', 'of a file\n', false)
    expect((await sotto(['read', 'bob'])).stdout).toMatch(/of a file\n$/)
    const { stdout } = await sotto(['read', 'bob', '--json'])
    expect(records(stdout)).toMatchObject([{ text: 'of a file\n' }])
  })

  test('why gives the chain and what stands in the way', async () => {
    const { id } = fake.put('bob', 'hi', true)
    const json = await sotto(['why', id, '--json'])
    expect(records(json.stdout)).toEqual([{ v: 1, ...(await fake.chats.why(id)) }])
    const { stdout } = await sotto(['why', id])
    expect(stdout).toContain('(fdatasync)')
    expect(stdout).toContain('by 1a2b3c4d  (receipt)')
    expect(stdout).toContain('bob did not read it yet')
  })

  test('status and stats', async () => {
    const { id } = fake.put('bob', 'hi', true)
    fake.advance(id, 'delivered')
    fake.put('bob', 'ho', false)
    expect(records((await sotto(['status', '--json'])).stdout)).toEqual([
      { v: 1, ...(await fake.status()), daemon: true },
    ])
    expect((await sotto(['status'])).stdout).toContain('daemon    running')
    expect(records((await sotto(['stats', '--json'])).stdout)).toEqual([
      { v: 1, ...(await fake.stats()) },
    ])
    const { stdout } = await sotto(['stats'])
    expect(stdout).toContain('1 sent, 1 received, 0 known to be missing')
    expect(stdout).toContain('until delivered directly p50 40ms, p95 40ms, p99 40ms  (1)')
    expect(stdout).toMatch(/depositRetries +3\n/)
    expect(stdout).toMatch(/UNREACHABLE +2\n/)
  })
})

describe('the daemon', () => {
  test('start says where one that runs listens', async () => {
    const { stdout, exitCode } = await sotto(['daemon', 'start', '--json'])
    expect(exitCode).toBe(0)
    expect(records(stdout)).toEqual([{ v: 1, ready: true, addresses: fake.addresses() }])
  })

  test('run refuses beside one that runs', async () => {
    const { stderr, exitCode } = await sotto(['daemon', 'run', '--json'])
    expect(exitCode).toBe(7)
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'NODE_RUNNING' } })
  })

  test('stop asks it to end, waits, and says what waits', async () => {
    fake.put('bob', 'queued', true)
    const { stdout, stderr } = await sotto(['daemon', 'stop', '--json'])
    expect([stops, stderr]).toEqual([1, '1 message still queued: the next sotto command sends.\n'])
    expect(records(stdout)).toEqual([{ v: 1, stopped: true, waiting: 1 }])
    expect(await sotto(['daemon', 'stop'])).toMatchObject({ exitCode: 7, stdout: '' })
  })
})

describe('a relay', () => {
  test('refuses flags that it cannot use before it makes a folder', async () => {
    const folder = join(dir, 'relay')
    const empty = join(dir, 'empty')
    await writeFile(empty, '\n')
    for (const [exitCode, ...flags] of [
      [2, '--metrics', '70000'],
      [2, '--max-disk', '10'],
      [1, '--invite-token-file', join(dir, 'none')],
      [1, '--invite-token-file', empty],
    ] as const) {
      const played = await play(['relay', 'run', ...flags, '--dir', folder])
      expect([played.exitCode, played.stdout]).toEqual([exitCode, ''])
    }
    await expect(stat(folder)).rejects.toThrow('ENOENT')
  })
})

describe('help', () => {
  test('is there for commands and topics', async () => {
    expect((await sotto(['help', 'scripting'])).stdout).toBe(SCRIPTING)
    expect((await sotto(['help', 'exit-codes'])).stdout).toContain('130  stopped with Ctrl-C')
    expect((await sotto(['help', 'contact', 'verify'])).stdout).toContain(
      'Usage: sotto contact verify',
    )
    expect((await sotto(['help'])).stdout).toContain('sotto help scripting')
    expect((await sotto(['help', 'nothing'])).exitCode).toBe(2)
  })
})

describe('relays', () => {
  test('adds, shows and leaves one', async () => {
    const added = await sotto(['relays', 'add', '/ip4/127.0.0.1/tcp/1/p2p/x', '--json'])
    expect(records(added.stdout)).toMatchObject([{ address: '/ip4/127.0.0.1/tcp/1/p2p/x' }])
    const { stdout } = await sotto(['relays', 'list'])
    expect(stdout).toBe(
      'SERVICE  STATE          ADDRESS\n-        not connected  /ip4/127.0.0.1/tcp/1/p2p/x\n',
    )
    const gone = await sotto(['relays', 'remove', '/ip4/127.0.0.1/tcp/1/p2p/x'])
    expect([gone.exitCode, fake.chosen]).toEqual([0, []])
    expect(gone.stderr).toContain('make new ones')
    expect(await sotto(['relays', 'remove', 'ffff'])).toMatchObject({ exitCode: 2 })
  })

  test('says what troubles one, and its address once', () => {
    const relay = { address: '/ip4/127.0.0.1/tcp/1', service: '' }
    const state = (connected: boolean, trouble: string): string =>
      relayState({ ...relay, connected, trouble })
    expect(state(true, '')).toBe('connected')
    expect(state(false, '')).toBe('not connected')
    expect(state(false, `${relay.address} cannot be reached`)).toBe('cannot be reached')
    expect(state(false, 'the connection was lost')).toBe('the connection was lost')
  })
})
