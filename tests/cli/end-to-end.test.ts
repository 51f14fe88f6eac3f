import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { connect as connectSocket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect, socketPath } from '../../node/rpc/index.ts'
import { freePort } from '../e2e/child.ts'
import {
  type Started,
  buildSotto,
  json,
  killAll,
  launchOpen,
  removeSotto,
  sotto,
  start,
} from './real-sotto.ts'

let root: string
let relay: Started
let alice: string[]
let bob: string[]

async function untilReady(dir: readonly string[]): Promise<void> {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const { stdout } = await sotto(['contact', 'list', '--json', ...dir])
    if (stdout.includes('"state":"ready"')) return
    await sotto(['read', ...dir])
  }
  throw new Error('the contact is not ready')
}

beforeAll(async () => {
  await buildSotto()
  root = await mkdtemp(join(tmpdir(), 'sotto-e2e-'))
  alice = ['--dir', join(root, 'alice')]
  bob = ['--dir', join(root, 'bob')]
  relay = await start(['relay', 'run', '--open', '--dir', join(root, 'relay')])
  const address = String(relay.ready['address'])
  await json(['init', '--name', 'Alice', '--no-passphrase', '--relay', address, ...alice])
  await json(['init', '--name', 'Bob', '--no-passphrase', '--relay', address, ...bob])
  const { link } = await json(['invite', ...alice])
  await json(['add', '-', '--name', 'Alice', ...bob], `${String(link)}\n`)
  await untilReady(alice)
  await untilReady(bob)
}, 120_000)

afterAll(async () => {
  killAll()
  await removeSotto()
  await rm(root, { recursive: true, force: true, maxRetries: 5 })
})

describe('without a daemon', () => {
  test('a message goes by the relay, and says so truly', async () => {
    const sent = await json(['send', 'Bob', 'one shot', ...alice])
    expect(['relayed', 'delivered']).toContain(sent['state'])
    const { stdout } = await sotto(['read', 'Alice', '--json', ...bob])
    expect(stdout).toContain('"text":"one shot"')
    const why = await json(['why', String(sent['id']), ...alice])
    expect(JSON.stringify(why)).toContain('fdatasync')
  })

  test('standard input arrives byte for byte', async () => {
    const text = '\ufeff\t two  lines \r\n\n🎉 \u202e end\n\n'
    const { id } = await json(['send', 'Bob', '-', ...alice], text)
    const { stdout } = await sotto(['read', 'Alice', '--json', ...bob])
    const texts = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: string; text: string })
    expect(texts.find((message) => message.id === id)?.text).toBe(text)
  })

  test('input that is no text, or nothing, is refused and sends nothing', async () => {
    const broken = await sotto(['send', 'Bob', '-', '--json', ...alice], Uint8Array.of(0xff))
    expect([broken.exitCode, broken.stdout]).toEqual([1, ''])
    const blank = await sotto(['send', 'Bob', '-', '--json', ...alice], ' \n\t')
    expect([blank.exitCode, blank.stdout]).toEqual([1, ''])
    expect(JSON.parse(blank.stderr)).toMatchObject({ v: 1, error: { code: 'EMPTY_TEXT' } })
    const large = await sotto(['send', 'Bob', '-', '--json', ...alice], 'x'.repeat(48 * 1024 + 1))
    expect(JSON.parse(large.stderr)).toMatchObject({ error: { code: 'TOO_LARGE' } })
    expect(large.exitCode).toBe(1)
  })

  test('commands at the same time share one node: none fails, none is lost', async () => {
    const texts = Array.from({ length: 6 }, (_, at) => `parallel ${at}`)
    const sent = await Promise.all(texts.map((text) => json(['send', 'Bob', text, ...alice])))
    expect(new Set(sent.map(({ id }) => id)).size).toBe(6)
    const { stdout } = await sotto(['read', 'Alice', '-n', '100', '--json', ...bob])
    for (const text of texts) expect(stdout.split(`"text":"${text}"`)).toHaveLength(2)
  })

  test('a kill -9 in the middle leaves a profile that opens', async () => {
    const following = await start(['watch', '--since', '0', ...alice])
    following.child.kill('SIGKILL')
    await following.ended
    expect((await json(['send', 'Bob', 'after the kill', ...alice]))['id']).toMatch(
      /^[0-9a-f]{64}$/,
    )
  })

  test('a daemon killed between the durable queue and its answer: made again, it is one message', async () => {
    const dir = join(root, 'alice')
    const path = await socketPath(dir)
    const first = await start(['daemon', 'run', ...alice])
    const heard = await connect({ socket: path })
    const from = await heard.events.cursor()
    // Whoever asks here never hears the answer.
    const asking = connectSocket(path)
    const params = { who: 'Bob', text: 'answered never', once: 'order 17' }
    asking.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'chats.send', params })}\n`)
    for await (const event of heard.events.since(from)) {
      if (event.event === 'message:state' && event.chat === 'Bob') break
    }
    first.child.kill('SIGKILL')
    await first.ended
    asking.destroy()
    const second = await start(['daemon', 'run', ...alice])
    const node = await connect({ socket: path })
    const sent = await node.chats.send(params.who, params.text, { once: params.once })
    const messages = await node.chats.messages('Bob', { limit: 100 })
    const alike = messages.filter(({ text }) => text === params.text)
    expect(alike.map(({ id }) => id)).toEqual([sent.id])
    await node.close()
    second.child.kill('SIGTERM')
    await second.ended
    const { stdout } = await sotto(['read', 'Alice', '-n', '100', '--json', ...bob])
    expect(stdout.split('"text":"answered never"')).toHaveLength(2)
  })

  test('--wait that cannot be met ends with 6; the message stays', async () => {
    const words = ['send', 'Bob', 'read me', '--wait', 'read', '--timeout', '300ms', '--json']
    const { stdout, stderr, exitCode } = await sotto([...words, ...alice])
    expect(exitCode).toBe(6)
    const { id } = JSON.parse(stdout) as { id: string }
    expect(JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({
      error: { code: 'TIMEOUT' },
    })
    const { stdout: read } = await sotto(['read', 'Alice', '--json', ...bob])
    expect(read).toContain(id)
  })

  test('a relay that is asked for metrics serves them', async () => {
    const port = await freePort()
    const dir = join(root, 'measured')
    const measured = await start(['relay', 'run', '--metrics', String(port), '--dir', dir])
    const metrics = await fetch(`http://127.0.0.1:${port}/metrics`)
    expect(await metrics.text()).toContain('sotto_relay_flushes_total')
    expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200)
    measured.child.kill('SIGTERM')
    expect((await measured.ended).exitCode).toBe(0)
  })

  test('a relay put back from a backup is marked once, by a command, while it does not run', async () => {
    const dir = join(root, 'restored relay')
    const restore = ['relay', 'restore', '--json', '--dir', dir]
    const nothing = await sotto(restore)
    expect(JSON.parse(nothing.stderr)).toMatchObject({ error: { code: 'NOT_INITIALISED' } })
    const first = await start(['relay', 'run', '--open', '--dir', dir])
    const running = await sotto(restore)
    expect(JSON.parse(running.stderr)).toMatchObject({ error: { code: 'LOCKED' } })
    first.child.kill('SIGTERM')
    await first.ended
    expect(await json(['relay', 'restore', '--dir', dir])).toEqual({ v: 1, restored: true, dir })
    const again = await start(['relay', 'run', '--open', '--dir', dir])
    const key = (address: unknown): string => String(address).split('/p2p/')[1] ?? ''
    expect(key(again.ready['address'])).toBe(key(first.ready['address']))
    again.child.kill('SIGTERM')
    await again.ended
  })

  test('doctor finds a profile whole and its relay there; beside a daemon it leaves the disk', async () => {
    const sound = await json(['doctor', ...alice])
    expect(sound).toMatchObject({
      sound: true,
      disk: { findings: [] },
      relays: [{ connected: true, clockOffsetMs: expect.any(Number) }],
      warnings: [],
    })
    const daemon = await start(['daemon', 'run', ...alice])
    const beside = await json(['doctor', ...alice])
    expect(beside).toMatchObject({ sound: true, relays: [{ connected: true }] })
    expect(beside).not.toHaveProperty('disk')
    const refused = await sotto(['doctor', '--repair', '--json', ...alice])
    expect(JSON.parse(refused.stderr)).toMatchObject({ error: { code: 'LOCKED' } })
    daemon.child.kill('SIGTERM')
    await daemon.ended
    const { stdout } = await sotto(['doctor', ...alice])
    expect(stdout).toContain('All is well.')
  })

  test('a chat takes lines from a pipe, each once, and ends with them', async () => {
    const typed = 'first line\n\n//slash\n/nothing\n/why\n'
    const { stdout, stderr, exitCode } = await sotto(['chat', 'Bob', '--json', ...alice], typed)
    expect(exitCode).toBe(0)
    expect(stderr).toContain('There is no /nothing')
    expect(stdout).toContain('"evidence":"fdatasync"')
    const { stdout: read } = await sotto(['read', 'Alice', '-n', '2', '--json', ...bob])
    const texts = read
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { text: string }).text)
    expect(texts).toEqual(['first line', '/slash'])
  })

  test('Ctrl-C ends what follows with 130', async () => {
    const following = await start(['watch', '--since', '0', ...alice])
    following.child.kill('SIGINT')
    expect((await following.ended).exitCode).toBe(130)
  })
})

describe('with a daemon', () => {
  test('commands go through it, events come live, and stop leaves nothing behind', async () => {
    expect(await json(['daemon', 'start', ...alice])).toMatchObject({ v: 1, ready: true })
    expect(await json(['status', ...alice])).toMatchObject({ daemon: true })
    const sent = await json(['send', 'Bob', 'by daemon', ...alice])
    expect(sent['id']).toMatch(/^[0-9a-f]{64}$/)
    expect((await sotto(['daemon', 'run', '--json', ...alice])).exitCode).toBe(7)
    const following = await start(['watch', '--since', '0', ...alice])
    // Events come one by one: ended at the first, it would not have told of the last.
    await following.printed('by daemon')
    following.child.kill('SIGINT')
    expect((await following.ended).stdout).toContain('by daemon')
    expect((await stat(join(root, 'alice', 'sotto.sock'))).mode & 0o777).toBe(0o600)
    expect(await json(['daemon', 'stop', ...alice])).toMatchObject({ stopped: true })
    await expect(stat(join(root, 'alice', 'sotto.sock'))).rejects.toThrow('ENOENT')
    const { stdout } = await sotto(['read', 'Alice', '--json', ...bob])
    expect(stdout).toContain('by daemon')
  })
})

describe('what goes on when its daemon is killed', () => {
  const kill = async ({ child, ended }: Started): Promise<void> => {
    child.kill('SIGKILL')
    await ended
  }

  test('a chat: a line typed meanwhile arrives, nothing is shown twice, a new daemon gets the profile', async () => {
    const daemon = await start(['daemon', 'run', ...alice])
    const chat = launchOpen(['chat', 'Bob', '--json', ...alice])
    chat.type('before the kill\n')
    await chat.said('"state":"')
    await kill(daemon)
    await chat.said('The daemon went away')
    chat.type('typed meanwhile\n')
    await chat.said('No daemon came back')
    const again = await start(['daemon', 'run', ...alice])
    await chat.said('The daemon runs this profile now.')
    chat.type('to the new one\n')
    await chat.said('"state":"', 3)
    await kill(again)
    const third = await start(['daemon', 'run', ...alice])
    await chat.said('The daemon', 4)
    const { stdout, exitCode } = await chat.end()
    expect(exitCode).toBe(0)
    const shown = stdout.match(/"id":"[0-9a-f]{64}","state":"queued"/g) ?? []
    expect(new Set(shown).size).toBe(shown.length)
    const { stdout: read } = await sotto(['read', 'Alice', '-n', '3', '--json', ...bob])
    expect([...read.matchAll(/"text":"([^"]*)"/g)].map((found) => found[1])).toEqual([
      'before the kill',
      'typed meanwhile',
      'to the new one',
    ])
    third.child.kill('SIGTERM')
    await third.ended
  })

  test('a watch: its cursors have no hole, and `daemon stop` and `start` work beside it', async () => {
    const daemon = await start(['daemon', 'run', ...alice])
    await json(['send', 'Bob', 'seen before', ...alice])
    const watch = launchOpen(['watch', '--since', '0', '--json', ...alice])
    await watch.said('"text":"seen before"')
    await kill(daemon)
    await json(['send', 'Bob', 'seen between', ...alice])
    await watch.said('"text":"seen between"')
    expect(await json(['daemon', 'start', ...alice])).toMatchObject({ ready: true })
    await json(['send', 'Bob', 'seen after', ...alice])
    await watch.said('"text":"seen after"')
    expect(await json(['daemon', 'stop', ...alice])).toMatchObject({ stopped: true })
    watch.child.kill('SIGTERM')
    const { stdout } = await watch.end()
    const cursors = [...stdout.matchAll(/"cursor":(\d+)/g)].map((found) => Number(found[1]))
    expect(cursors).toEqual([...new Set(cursors)].sort((a, b) => a - b))
    for (const text of ['seen before', 'seen between', 'seen after']) {
      expect(stdout.split(`"text":"${text}"`)).toHaveLength(2)
    }
  })
})

describe('a profile', () => {
  test('that is not there ends with 3', async () => {
    const { exitCode, stdout, stderr } = await sotto([
      'status',
      '--json',
      '--dir',
      join(root, 'none'),
    ])
    expect([exitCode, stdout]).toEqual([3, ''])
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'NOT_INITIALISED' } })
  })

  test('with a passphrase opens with it alone', async () => {
    const dir = ['--dir', join(root, 'locked')]
    const file = join(root, 'pass')
    const wrong = join(root, 'wrong')
    await writeFile(file, 'correct horse\n')
    await writeFile(wrong, 'battery\n')
    await json(['init', '--name', 'Eve', '--passphrase-file', file, ...dir])
    const list = ['contact', 'list', '--json', ...dir]
    expect((await sotto([...list, '--passphrase-file', file])).exitCode).toBe(0)
    for (const words of [list, [...list, '--passphrase-file', wrong]]) {
      expect((await sotto(words)).exitCode).toBe(3)
    }
  })

  test('takes its passphrase from a parent, as `daemon start` hands on what was typed', async () => {
    const dir = ['--dir', join(root, 'handed')]
    await json(['init', '--name', 'Fay', '--passphrase-file', '-', ...dir], 'correct horse\n')
    const list = ['contact', 'list', '--passphrase-file', '-', ...dir]
    // A parent's pipe is a socket, which cannot be opened by a name such as /dev/stdin.
    expect(await sotto(list, 'correct horse')).toMatchObject({ exitCode: 0 })
    expect((await sotto(list, 'battery')).exitCode).toBe(3)
    const both = ['send', 'Alice', '-', '--passphrase-file', '-', ...dir]
    expect((await sotto(both, 'correct horse')).exitCode).toBe(2)
  })

  test('is made once, for its owner alone', async () => {
    expect((await stat(join(root, 'alice'))).mode & 0o777).toBe(0o700)
    const again = await sotto(['init', '--name', 'Alice', '--no-passphrase', '--json', ...alice])
    expect(again.exitCode).toBe(1)
    expect(JSON.parse(again.stderr)).toMatchObject({ error: { code: 'EXISTS' } })
    // Said before a passphrase is asked for, which belongs to none.
    const bare = await sotto(['init', '--name', 'Alice', '--json', ...alice])
    expect(JSON.parse(bare.stderr)).toMatchObject({ error: { code: 'EXISTS' } })
    const fresh = await sotto(['init', '--name', 'Zoe', '--dir', join(root, 'zoe')])
    expect([fresh.exitCode, fresh.stderr]).toEqual([3, expect.stringContaining('--no-passphrase')])
  })
})

test('a relay ends in good order on SIGTERM, and its address outlives it', async () => {
  const dir = ['--dir', join(root, 'other-relay')]
  const first = await start(['relay', 'run', ...dir])
  first.child.kill('SIGTERM')
  const { exitCode, stderr } = await first.ended
  expect(exitCode).toBe(0)
  expect(stderr).toContain('Limits: ')
  const second = await start(['relay', 'run', ...dir])
  expect(second.ready['address']).toBe(first.ready['address'])
  second.child.kill('SIGKILL')
  await second.ended
  const third = await start(['relay', 'run', ...dir])
  expect(third.ready['address']).toBe(first.ready['address'])
  third.child.kill('SIGTERM')
  await third.ended
})

test('the demonstration shows what README.md says, and leaves nothing behind', async () => {
  const { stdout, stderr, exitCode } = await sotto(['demo', '--markdown'])
  expect([exitCode, stderr]).toEqual([0, ''])
  expect(await readFile('README.md', 'utf8')).toContain(stdout)
}, 60_000)
