import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { type Server, type Socket, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { NodeDoor } from '../../cli/node-door.ts'
import { LastingCalls } from '../../cli/lasting-calls.ts'
import { OwnerFinder, type OwnerOptions } from '../../cli/owner.ts'
import type { NodeEvent } from '../../node/api.ts'
import { NodeError } from '../../node/errors.ts'
import {
  readRunFile,
  remoteNode,
  removeRunFile,
  socketPath,
  writeRunFile,
} from '../../node/rpc/index.ts'
import { FakeNode } from '../support/fake-node.ts'

let dir: string
/** The one profile: one history whoever runs it. */
let fake: FakeNode
/** Stands for LevelDB's lock. */
let locked: boolean
/** The node of the process that runs it. */
let running: FakeNode
let opened: number
let attempts: number

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sotto-own-'))
  fake = new FakeNode()
  locked = false
  opened = 0
  attempts = 0
})
afterEach(() => rm(dir, { recursive: true }))

class LockedNode extends FakeNode {
  override readonly log = fake.log
  override readonly feed = fake.feed
  override readonly sentUnder = fake.sentUnder
  override async close(): Promise<void> {
    await super.close()
    locked = false
  }
}

function door(needsPassphrase = false): NodeDoor {
  const unused = (): Promise<never> => Promise.reject(new Error('not in these tests'))
  return {
    createNode: async (options) => {
      attempts += 1
      if (locked) throw new NodeError('LOCKED', 'another process has it', { retryable: true })
      if (needsPassphrase && options.passphrase !== 'secret') {
        throw new NodeError('WRONG_PASSPHRASE', 'no')
      }
      locked = true
      opened += 1
      running = new LockedNode()
      return running
    },
    checkNewFolder: unused,
    initProfile: unused,
    createRelay: unused,
    markRelayRestored: unused,
    checkProfile: unused,
    repairProfile: unused,
    profileNeedsPassphrase: async () => needsPassphrase,
  }
}

function options(more: Partial<OwnerOptions> = {}): OwnerOptions {
  return {
    dir,
    passphraseFile: undefined,
    online: true,
    listen: [],
    log: () => undefined,
    signal: new AbortController().signal,
    loadNode: async () => door(),
    ...more,
  }
}

async function session(more: Partial<OwnerOptions> = {}): Promise<LastingCalls> {
  const finder = new OwnerFinder(options(more))
  return new LastingCalls(finder, await finder.find())
}

describe('who runs a profile', () => {
  test('is this command where nobody does, and others go through it', async () => {
    const first = await session()
    expect([first.owner.here, first.owner.lasting]).toEqual([true, false])
    const second = await session()
    expect(second.owner.here).toBe(false)
    await remoteNode(second).chats.send('bob', 'through the first')
    expect(fake.log[0]?.text).toBe('through the first')
    expect(opened).toBe(1)
    await second.close()
    await first.close()
    expect(locked).toBe(false)
    await expect(stat(await socketPath(dir))).rejects.toThrow('ENOENT')
    expect(await readRunFile(dir)).toBeUndefined()
  })

  test('is found behind what a kill -9 left: a stale socket and run file', async () => {
    const path = await socketPath(dir)
    await writeFile(path, '')
    await writeRunFile(dir, path)
    const calls = await session()
    expect(calls.owner.here).toBe(true)
    await calls.close()
  })

  test('is found in spite of a run file that nobody can read', async () => {
    await writeFile(join(dir, 'run'), '{"v":1,"pid"')
    const calls = await session()
    expect(calls.owner.here).toBe(true)
    await calls.close()
  })

  test('is waited for while another process opens or closes the profile', async () => {
    locked = true
    const finding = session()
    await vi.waitFor(() => expect(attempts).toBeGreaterThan(1), 10_000)
    locked = false
    const calls = await finding
    expect(calls.owner.here).toBe(true)
    await calls.close()
  })

  test('is not waited for after Ctrl-C', async () => {
    locked = true
    const stop = new AbortController()
    const finding = session({ signal: stop.signal })
    while (attempts < 1) await new Promise((resolve) => setImmediate(resolve))
    stop.abort()
    await expect(finding).rejects.toMatchObject({ name: 'AbortError' })
  })

  test('for a daemon is this process alone', async () => {
    const finder = new OwnerFinder(options({ stop: () => undefined }))
    const daemon = await finder.find(true)
    expect([daemon.here, daemon.lasting]).toEqual([true, true])
    const other = new OwnerFinder(options({ stop: () => undefined }))
    await expect(other.find(true)).rejects.toMatchObject({ code: 'NODE_RUNNING' })
    await daemon.close()
  })

  test('is handed over by one that follows offline, to whoever needs a network', async () => {
    const following = await session({ online: false, stays: true })
    const seen: string[] = []
    const reading = (async () => {
      for await (const event of following.subscribe(undefined, {})) {
        if (event.event === 'message') seen.push(event.message.text)
        if (seen.length === 2) return
      }
    })()
    // Who needs no network either goes through it.
    const offline = await session({ online: false })
    expect([offline.owner.here, offline.owner.online]).toEqual([false, false])
    await offline.close()
    const daemon = await new OwnerFinder(options({ stop: () => undefined })).find(true)
    await vi.waitFor(() => expect(following.owner.lasting).toBe(true))
    await remoteNode(following).contacts.list()
    fake.put('bob', 'heard by the daemon', false)
    await running.contacts.rename('carol', 'caro')
    await vi.waitFor(() => expect(seen).toEqual(['heard by the daemon']))
    await daemon.close()
    await vi.waitFor(() => expect(following.owner.here).toBe(true), 10_000)
    const sending = await session()
    expect([sending.owner.here, sending.owner.online]).toEqual([true, true])
    fake.put('bob', 'heard by a command', false)
    await running.contacts.rename('carol', 'carola')
    await reading
    await sending.close()
    await following.close()
    expect(locked).toBe(false)
  })

  test('an offline command shares its node with nobody', async () => {
    const calls = await session({ online: false })
    expect(await readRunFile(dir)).toBeUndefined()
    await calls.close()
  })

  test('needs the passphrase only where nobody runs it', async () => {
    const loadNode = async (): Promise<NodeDoor> => door(true)
    await expect(session({ loadNode })).rejects.toMatchObject({ code: 'PASSPHRASE_NEEDED' })
    const file = join(dir, 'pass')
    await writeFile(file, 'secret\n')
    const first = await session({ loadNode, passphraseFile: file })
    const second = await session({ loadNode })
    expect(second.owner.here).toBe(false)
    await second.close()
    await first.close()
  })
})

describe('calls outlive their owner', () => {
  test('what waits goes on with the next one, which may be this process', async () => {
    const first = await session()
    const second = await session()
    const node = remoteNode(second)
    const { id } = await node.chats.send('bob', 'wait for me')
    const waiting = node.chats.waitFor(id, 'delivered')
    await node.status()
    await first.close()
    while (!second.owner.here) await new Promise((resolve) => setImmediate(resolve))
    expect(opened).toBe(2)
    fake.advance(id, 'delivered')
    // The next owner's node reads the same log; an event of its own wakes it.
    await node.contacts.rename('carol', 'caro')
    expect(await waiting).toEqual({ id, state: 'delivered' })
    await second.close()
  })

  test('events go on without a hole and without a repetition', async () => {
    const first = await session()
    const second = await session()
    const node = remoteNode(second)
    fake.put('bob', 'old', false)
    const seen: NodeEvent[] = []
    const reading = (async () => {
      for await (const event of node.events.since(0)) {
        seen.push(event)
        if (seen.length === 3) return
      }
    })()
    while (seen.length < 1) await new Promise((resolve) => setImmediate(resolve))
    fake.feed.push({ cursor: 2, at: 0, event: 'warning', code: 'BETWEEN', text: '' })
    await first.close()
    while (!second.owner.here) await new Promise((resolve) => setImmediate(resolve))
    await node.contacts.rename('carol', 'caro')
    await reading
    expect(seen.map(({ cursor }) => cursor)).toEqual([1, 2, 3])
    await second.close()
  })

  test('many at once find one new owner', async () => {
    const first = await session()
    const second = await session()
    const node = remoteNode(second)
    const closing = first.close()
    while (opened < 2) await Promise.all(Array.from({ length: 20 }, () => node.status()))
    await closing
    await Promise.all(Array.from({ length: 20 }, () => node.status()))
    expect(opened).toBe(2)
    await second.close()
  })

  test('an error of the node itself is no reason to ask another', async () => {
    const calls = await session()
    await expect(remoteNode(calls).contacts.get('nobody')).rejects.toMatchObject({
      code: 'UNKNOWN_CONTACT',
    })
    expect(opened).toBe(1)
    await calls.close()
  })
})

/** What a killed owner looks like from outside: its connections break, and nobody says goodbye. */
class Cable {
  readonly #server: Server
  readonly #ends = new Set<Socket>()
  /** Requests get lost on the way. */
  deaf = false

  private constructor(target: string) {
    this.#server = createServer((near) => {
      const far = connect(target)
      for (const end of [near, far]) {
        this.#ends.add(end)
        end.on('error', () => undefined)
        end.once('close', () => {
          near.destroy()
          far.destroy()
        })
      }
      near.on('data', (chunk) => {
        if (!this.deaf) far.write(chunk)
      })
      far.pipe(near)
    })
  }

  /** Between a profile's owner and whoever knocks from now on. */
  static async before(target: string): Promise<Cable> {
    const cable = new Cable(target)
    const path = join(dir, 'cable')
    await new Promise<void>((resolve) => cable.#server.listen(path, resolve))
    await writeRunFile(dir, path)
    return cable
  }

  async cut(): Promise<void> {
    this.#server.close()
    for (const end of this.#ends) end.destroy()
    await removeRunFile(dir)
  }
}

async function until(met: () => boolean): Promise<void> {
  while (!met()) await new Promise((resolve) => setImmediate(resolve))
}

describe('a daemon that is killed', () => {
  let daemon: LastingCalls
  let cable: Cable
  const told: string[] = []
  beforeEach(async () => {
    told.length = 0
    daemon = await session({ stop: () => undefined })
    cable = await Cable.before(await socketPath(dir))
  })

  async function client(more: Partial<OwnerOptions> = {}): Promise<LastingCalls> {
    const finder = new OwnerFinder(options({ stays: true, graceMs: 200, ...more }))
    return new LastingCalls(finder, await finder.find(), (text) => told.push(text))
  }

  test('is waited for, then done without; events miss nothing and repeat nothing', async () => {
    const calls = await client()
    const node = remoteNode(calls)
    const seen: number[] = []
    const reading = (async () => {
      for await (const event of node.events.since(0)) {
        seen.push(event.cursor)
        if (seen.length === 3) return
      }
    })()
    fake.put('bob', 'old', false)
    await until(() => seen.length === 1)
    await cable.cut()
    fake.feed.push({ cursor: 2, at: 0, event: 'warning', code: 'BETWEEN', text: '' })
    await daemon.close()
    await node.status()
    await node.contacts.rename('carol', 'caro')
    await reading
    expect(seen).toEqual([1, 2, 3])
    expect(told).toEqual([
      'The daemon went away: waiting for it.',
      'No daemon came back: this command goes on by itself.',
    ])
    await calls.close()
  })

  test.each([
    ['that it carried out is not sent again', false],
    ['that never reached it is sent', true],
  ])('a text %s', async (_, deaf) => {
    let open = (): void => undefined
    running.gate = new Promise((resolve) => (open = resolve))
    const calls = await client()
    cable.deaf = deaf
    const sending = remoteNode(calls).chats.send('bob', 'in between')
    if (!deaf) await until(() => running.sends > 0)
    await cable.cut()
    open()
    await daemon.close()
    const { id } = await sending
    expect(fake.log.map((message) => [message.text, message.id])).toEqual([['in between', id]])
    await calls.close()
  })

  test('two texts that are alike are two, though one was carried out and one was lost', async () => {
    let open = (): void => undefined
    running.gate = new Promise((resolve) => (open = resolve))
    const calls = await client()
    const node = remoteNode(calls)
    const first = node.chats.send('bob', 'ok')
    await until(() => running.sends > 0)
    cable.deaf = true
    const second = node.chats.send('bob', 'ok')
    await cable.cut()
    open()
    await daemon.close()
    const ids = [(await first).id, (await second).id]
    expect(new Set(ids).size).toBe(2)
    expect(fake.log.map(({ text, id }) => [text, ids.includes(id)])).toEqual([
      ['ok', true],
      ['ok', true],
    ])
    await calls.close()
  })

  test('what may have changed something is not repeated', async () => {
    const calls = await client()
    cable.deaf = true
    const making = remoteNode(calls).invites.create()
    const failed = expect(making).rejects.toMatchObject({ code: 'CLOSED' })
    await cable.cut()
    await daemon.close()
    await failed
    await calls.close()
  })

  test('is waited for where only it has the passphrase', async () => {
    const calls = await client({ loadNode: async () => door(true) })
    await cable.cut()
    await daemon.close()
    const asked = remoteNode(calls).status()
    await until(() => told.length === 2)
    expect(told[1]).toBe(
      'This profile has a passphrase. Go on with `sotto daemon start` in another terminal.',
    )
    const again = await session({ stop: () => undefined })
    expect(await asked).toMatchObject({ name: 'alice' })
    expect(told.slice(2)).toEqual(['The daemon is back.'])
    await calls.close()
    await again.close()
  })

  test('is given the profile by the command that ran it meanwhile', async () => {
    const calls = await client()
    const node = remoteNode(calls)
    await cable.cut()
    await daemon.close()
    const { id } = await node.chats.send('bob', 'by itself')
    expect(calls.owner.here).toBe(true)
    const waiting = node.chats.waitFor(id, 'delivered')
    const finder = new OwnerFinder(options({ stop: () => undefined }))
    const again = await finder.find(true)
    await until(() => !calls.owner.here)
    expect(told.at(-1)).toBe('The daemon runs this profile now.')
    fake.advance(id, 'delivered')
    await node.contacts.rename('carol', 'caro')
    expect(await waiting).toEqual({ id, state: 'delivered' })
    await calls.close()
    await again.close()
  })
})

test('a socket whose path would be too long lies elsewhere, for its user alone', async () => {
  const long = join(dir, 'x'.repeat(120))
  const path = await socketPath(long)
  expect(Buffer.byteLength(path)).toBeLessThanOrEqual(107)
  expect(await socketPath(long)).toBe(path)
  expect(await socketPath(`${long}y`)).not.toBe(path)
  expect((await stat(join(path, '..'))).mode & 0o077).toBe(0)
})
