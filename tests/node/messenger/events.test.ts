import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { IncomingMessage, NodeEvent } from '../../../node/api.ts'
import type { RunningNode } from '../../../node/create-node.ts'
import { NodeError } from '../../../node/errors.ts'
import { changes, trimChanges } from '../../../node/ledger/change-feed.ts'
import { eventsSince } from '../../../node/messenger/events.ts'
import { Signal, joinSignals } from '../../../node/signal.ts'
import type { Store, StoreWrite } from '../../../node/store.ts'
import { type TestNetwork, createTestNetwork } from '../../../node/test-network.ts'
import { LedgerWorld, full, quiet, warning } from '../../support/ledger-world.ts'

describe('events', () => {
  let world: LedgerWorld
  const moved = new Signal()
  const stop = new AbortController()

  beforeEach(async () => {
    world = new LedgerWorld()
    await world.open()
  })

  const say = async (...texts: string[]): Promise<void> => {
    await world.ledger.run(function* (turn) {
      for (const text of texts) turn.change(warning(text))
    })
    moved.raise()
  }
  const since = (cursor: number | undefined) =>
    eventsSince(
      {
        core: { ledger: world.ledger, stopping: stop.signal } as never,
        moved: (signal) => moved.next(signal),
      },
      cursor,
    )
  const next = async (events: AsyncGenerator<NodeEvent>): Promise<string> => {
    const { value } = await events.next()
    return value?.event === 'warning' ? `${value.cursor} ${value.text}` : 'the end'
  }

  it('begin at the moment of the call, not of the first question', async () => {
    await say('before')
    const events = since(undefined)
    await say('after')
    expect(await next(events)).toBe('2 after')
  })

  it('go on live, one page after the other, and none is missed or repeated', async () => {
    const events = since(0)
    const waiting = next(events)
    await say('1')
    const got = [await waiting]
    await say(...Array.from({ length: 200 }, (_, i) => String(i + 2)))
    for (let i = 0; i < 200; i++) got.push(await next(events))
    expect(got).toEqual(Array.from({ length: 201 }, (_, i) => `${i + 1} ${i + 1}`))
  })

  it('are not slept through where they land while the feed is being read', async () => {
    const events = since(0)
    let landed = false
    world.store.beforeRead = async () => {
      if (landed) return
      landed = true
      // The page was read, empty; this lands before the reader waits.
      await say('in between')
    }
    expect(await next(events)).toBe('1 in between')
  })

  it('say CURSOR_TOO_OLD for a cursor that was trimmed, also under a reader', async () => {
    await say('1', '2', '3')
    const slow = since(1)
    expect(await next(slow)).toBe('1 1')
    await slow.return()
    await say(...Array.from({ length: 100 }, (_, i) => `more ${i}`))
    const overtaken = since(1)
    expect(await next(overtaken)).toBe('1 1')
    for (let i = 2; i <= 64; i++) await next(overtaken)
    world.time.skipTo(90 * 86_400_000)
    expect(await world.ledger.run((turn) => trimChanges(turn, 90))).toBe(90)
    await expect(overtaken.next()).rejects.toMatchObject({ code: 'CURSOR_TOO_OLD' })
    await expect(since(1).next()).rejects.toMatchObject({ code: 'CURSOR_TOO_OLD' })
    expect(await next(since(0))).toBe('91 more 87')
  })

  it('say so for a cursor that the feed never gave out, and INVALID for none', async () => {
    await say('1')
    await expect(since(99).next()).rejects.toMatchObject({ code: 'CURSOR_TOO_OLD' })
    for (const cursor of [-1, 1.5, Number.NaN]) {
      expect(() => since(cursor)).toThrow(expect.objectContaining({ code: 'INVALID' }))
    }
  })

  it('of a batch that fails are never seen', async () => {
    world.store.holds = true
    const lost = say('lost').catch(() => undefined)
    const events = since(0)
    const first = next(events)
    await new Promise(setImmediate)
    world.store.held[0]?.fail(new NodeError('DISK_FULL', 'no space'))
    await lost
    await world.ledger.recover(world.reopen())
    await say('kept')
    expect(await first).toBe('1 kept')
  })

  it('go on after the store failed and was opened anew, whatever they read meanwhile', async () => {
    await say(...Array.from({ length: 100 }, (_, i) => String(i + 1)))
    const events = since(0)
    for (let i = 1; i <= 64; i++) expect(await next(events)).toBe(`${i} ${i}`)
    world.store.fault = full
    await expect(say('lost')).rejects.toBe(full)
    await world.store.close()
    const onwards = next(events)
    await quiet()
    // Woken, and it still cannot be read.
    moved.raise()
    await quiet()
    await world.ledger.recover(world.reopen())
    moved.raise()
    expect(await onwards).toBe('65 65')
    // One that is closed for good ends them.
    await world.ledger.end(new NodeError('ABORTED', 'the node is closed'))
    await world.store.close()
    for (let i = 66; i <= 100; i++) await next(events)
    await say('never').catch(() => undefined)
    await expect(since(1).next()).rejects.toMatchObject({ code: 'ABORTED' })
  })

  it('are kept in rows that name their place', () => {
    expect(changes.place(1).order).toHaveLength(8)
  })
})

describe('a signal', () => {
  it('keeps nobody who gave up waiting', async () => {
    const signal = new Signal()
    const stop = new AbortController()
    const waits = signal.next(stop.signal)
    expect(signal.waiting).toBe(1)
    stop.abort()
    await waits
    expect(signal.waiting).toBe(0)
  })

  it('of several follows each, until it is released', () => {
    const [one, other] = [new AbortController(), new AbortController()]
    const joined = joinSignals(one.signal, other.signal, undefined)
    joined.release()
    one.abort()
    expect(joined.signal.aborted).toBe(false)
    const second = joinSignals(other.signal)
    other.abort(new Error('why'))
    expect(second.signal.reason).toEqual(new Error('why'))
    expect(joinSignals(other.signal).signal.aborted).toBe(true)
  })
})

/** A store that can be full. */
class Fillable implements Store {
  readonly #store: Store
  readonly #disk: { full: boolean }
  #broken = false

  constructor(store: Store, disk: { full: boolean }) {
    this.#store = store
    this.#disk = disk
  }

  get(keys: readonly Uint8Array[]): ReturnType<Store['get']> {
    return this.#store.get(keys)
  }

  range(query: Parameters<Store['range']>[0]): ReturnType<Store['range']> {
    return this.#store.range(query)
  }

  async write(batch: readonly StoreWrite[]): Promise<void> {
    // As LevelDB: after an error of the disk nothing is written until it is opened anew.
    if (this.#disk.full || this.#broken) {
      this.#broken = true
      throw new NodeError('DISK_FULL', 'no space left', { retryable: true })
    }
    return this.#store.write(batch)
  }

  close(): Promise<void> {
    return this.#store.close()
  }
}

describe('a running node', () => {
  let net: TestNetwork
  let alice: RunningNode
  let bob: RunningNode
  const disk = { full: false }
  const log: string[] = []

  beforeEach(() => {
    disk.full = false
    log.length = 0
    net = createTestNetwork({
      store: (name, store) => (name === 'bob' ? new Fillable(store, disk) : store),
    })
  })
  afterEach(() => net.close())

  async function pair(): Promise<void> {
    alice = await net.node('alice')
    bob = await net.node('bob', { log: (scope, text) => log.push(`${scope}: ${text}`) })
    await net.introduce(alice, bob)
  }

  const until = (holds: () => boolean | Promise<boolean>): Promise<void> =>
    vi.waitFor(async () => expect(await holds(), log.join('; ')).toBe(true), 10_000)

  it('calls back for the messages of others, never for its own', async () => {
    await pair()
    const got: string[] = []
    bob.on('message', async (message) => {
      got.push(message.text)
      if (message.text !== 'pong') await message.reply('pong')
    })
    const answers: IncomingMessage[] = []
    alice.on('message', (message) => answers.push(message))
    const { id } = await alice.chats.send('bob', 'ping')
    await until(() => answers.length === 1)
    expect(answers[0]).toMatchObject({ text: 'pong', replyTo: id, mine: false })
    await bob.settle(200)
    expect(got).toEqual(['ping'])
  })

  it('keeps calling a listener that throws, and the others, and says so', async () => {
    await pair()
    const got: string[] = []
    bob.on('message', (message) => {
      got.push(`bad ${message.text}`)
      throw new Error('a defect of the listener')
    })
    const end = bob.on('message', (message) => got.push(`good ${message.text}`))
    await alice.chats.send('bob', '1')
    await until(() => got.length === 2)
    end()
    await alice.chats.send('bob', '2')
    await until(() => got.length === 3)
    expect(got.toSorted()).toEqual(['bad 1', 'bad 2', 'good 1'])
    expect(log.filter((line) => line.startsWith('listener: '))).toHaveLength(2)
  })

  it('gives the first listener what came while it was starting', async () => {
    await pair()
    await bob.close()
    await alice.chats.send('bob', 'while you were away')
    bob = await net.node('bob')
    await until(async () => (await bob.chats.messages('alice')).length === 1)
    const got: string[] = []
    bob.on('message', (message) => got.push(message.text))
    await until(() => got.length === 1)
    const later: string[] = []
    bob.on('message', (message) => later.push(message.text))
    await alice.chats.send('bob', 'now')
    await until(() => later.length === 1)
    expect(got).toEqual(['while you were away', 'now'])
    expect(later).toEqual(['now'])
  })

  it('goes on where a named listener came to, across restarts', async () => {
    await pair()
    const got: string[] = []
    const listener = (message: IncomingMessage): number => got.push(message.text)
    bob.on('message', listener, { resume: 'archive' })
    await alice.chats.send('bob', '1')
    await until(() => got.length === 1)
    await bob.settle(200)
    await bob.close()
    // A life in which nobody listens.
    bob = await net.node('bob')
    const { id } = await alice.chats.send('bob', '2')
    await alice.chats.waitFor(id, 'delivered')
    await bob.close()
    bob = await net.node('bob')
    bob.on('message', listener, { resume: 'archive' })
    await alice.chats.send('bob', '3')
    await until(() => got.length === 3)
    expect(got).toEqual(['1', '2', '3'])
    expect(() => bob.on('message', listener, { resume: '' })).toThrow(/name/)
  })

  it('gives a named listener a message once, also where its place cannot be kept at once', async () => {
    await pair()
    const got: string[] = []
    const listener = (message: IncomingMessage): void => {
      got.push(message.text)
      // What the listener did is done: that it did cannot be written down.
      if (message.text === '1') disk.full = true
    }
    bob.on('message', listener, { resume: 'archive' })
    await alice.chats.send('bob', '1')
    const failures = (): number => log.filter((line) => line.startsWith('listener: DISK')).length
    await until(() => failures() >= 2)
    disk.full = false
    await until(async () => !(await bob.status()).readOnly)
    const { id } = await alice.chats.send('bob', '2')
    await until(() => got.includes('2'))
    expect(got).toEqual(['1', '2'])
    await alice.chats.waitFor(id, 'delivered')
    await bob.close()
    bob = await net.node('bob')
    bob.on('message', listener, { resume: 'archive' })
    await alice.chats.send('bob', '3')
    await until(() => got.includes('3'))
    expect(got.filter((text) => text !== '2')).toEqual(['1', '3'])
  })

  it('is read-only while its disk is full, and back by itself within five seconds', async () => {
    await pair()
    const first = await alice.chats.send('bob', 'before')
    await alice.chats.waitFor(first.id, 'delivered')
    disk.full = true
    await expect(bob.chats.send('alice', 'lost, and known to be')).rejects.toMatchObject({
      code: 'DISK_FULL',
      retryable: true,
    })
    expect(await bob.status()).toMatchObject({ readOnly: true, warnings: ['no space left'] })
    await expect(bob.chats.send('alice', 'again')).rejects.toMatchObject({ code: 'DISK_FULL' })
    await expect(bob.contacts.rename('alice', 'x')).rejects.toMatchObject({ code: 'DISK_FULL' })
    // What is there can be read; what comes is not acknowledged.
    expect((await bob.chats.messages('alice')).map(({ text }) => text)).toEqual(['before'])
    const { id } = await alice.chats.send('bob', 'meanwhile')
    await expect(alice.chats.waitFor(id, 'delivered', { timeoutMs: 300 })).rejects.toMatchObject({
      code: 'TIMEOUT',
    })
    disk.full = false
    const freedAtMs = Date.now()
    await until(async () => !(await bob.status()).readOnly)
    expect(Date.now() - freedAtMs).toBeLessThan(5_000)
    await alice.chats.waitFor(id, 'delivered', { timeoutMs: 10_000 })
    const { id: answer } = await bob.chats.send('alice', 'after')
    await bob.chats.waitFor(answer, 'delivered', { timeoutMs: 10_000 })
    expect((await alice.chats.messages('bob')).map(({ text }) => text)).toEqual([
      'before',
      'meanwhile',
      'after',
    ])
  })

  it('closes while its disk is full', async () => {
    await pair()
    disk.full = true
    await bob.chats.send('alice', 'lost').catch(() => undefined)
    await bob.close()
    await expect(bob.chats.send('alice', 'x')).rejects.toMatchObject({ code: 'CLOSED' })
  })
})
