import { describe, expect, it } from 'vitest'
import { encodeCbor, noble } from '../../../crypto/index.ts'
import type { RelayConnection } from '../../../node/relay-client/relay-connection.ts'
import { RELAY_PROTOCOL } from '../../../node/relay/limits.ts'
import { decodeRelayFrame, encodeRequest, serviceKeyHash } from '../../../protocol/index.ts'
import { warningsOf } from '../../support/warnings.ts'
import {
  RelayWorld,
  bytesOf,
  depositTo,
  envelope,
  items,
  prepared,
} from '../../support/relay-world.ts'

describe('subscriptions', () => {
  it('push in order as far as credit goes; what cannot be opened does not block them', async () => {
    const { world, bob, alice } = await prepared()
    const auth = world.capability(bob, 'alice')
    const count = 200
    const puts = Array.from({ length: count }, (_, i) =>
      alice.deposit(depositTo(bob, auth, `${i}`)),
    )
    await world.settle(Promise.all(puts))
    const got: number[] = []
    const heads: number[] = []
    const subscription = await world.settle(
      bob.connection.subscribe(
        bob.mailboxId,
        {
          onItems: (page) => got.push(...page.map(({ seq }) => seq)),
          onDrained: ({ headSeq }) => heads.push(headSeq),
          onEnd: () => undefined,
        },
        { messages: 64, bytes: 1 << 20 },
      ),
    )
    await world.quiet()
    expect(got).toHaveLength(64)
    expect(heads).toEqual([])
    // Poison: all 64 are held or quarantined, durable all the same, so acknowledged and credited.
    while (got.length < count) {
      const before = got.length
      subscription.credit(64, 1 << 20)
      await world.quiet()
      expect(got.length).toBeGreaterThan(before)
    }
    await world.quiet()
    expect(got).toEqual(Array.from({ length: count }, (_, i) => i + 1))
    expect(heads).toEqual([count])
    await world.settle(alice.deposit(depositTo(bob, auth, 'live')))
    await world.quiet()
    expect(got.at(-1)).toBe(count + 1)
    expect(heads).toEqual([count, count + 1])
  })

  it('gather credit until half of it is used, and never run dry', async () => {
    const { world, bob, alice } = await prepared()
    const auth = world.capability(bob, 'alice')
    const puts = Array.from({ length: 24 }, (_, i) => alice.deposit(depositTo(bob, auth, `${i}`)))
    await world.settle(Promise.all(puts))
    let got = 0
    const handlers = {
      onItems: (page: readonly unknown[]) => void (got += page.length),
      onDrained: () => undefined,
      onEnd: () => undefined,
    }
    const credit = { messages: 8, bytes: 1 << 20 }
    const subscribing = bob.connection.subscribe(bob.mailboxId, handlers, credit)
    const subscription = await world.settle(subscribing)
    const after = async (messages: number, bytes: number): Promise<number> => {
      subscription.credit(messages, bytes)
      await world.quiet()
      return got
    }
    await world.quiet()
    expect(got).toBe(8)
    expect(await after(3, 600)).toBe(8)
    expect(await after(1, 600)).toBe(12)
    // Of few large ones the bytes count.
    expect(await after(1, 1 << 19)).toBe(13)
  })

  it('end when a newer one displaces them, or credit stays away', async () => {
    const { world, bob, alice } = await prepared()
    const ends: string[] = []
    const handlers = (name: string): Parameters<RelayConnection['subscribe']>[1] => ({
      onItems: () => undefined,
      onDrained: () => undefined,
      onEnd: (reason) => ends.push(`${name} ${reason}`),
    })
    const none = { messages: 0, bytes: 0 }
    await world.settle(bob.connection.subscribe(bob.mailboxId, handlers('first'), none))
    const again = await world.owner('bob')
    await world.settle(again.connection.subscribe(again.mailboxId, handlers('second'), none))
    await world.quiet()
    expect(ends).toEqual(['first 0'])
    await world.settle(alice.deposit(depositTo(bob, world.capability(bob, 'alice'), '1')))
    await world.advance(119_000)
    expect(ends).toEqual(['first 0'])
    await world.advance(2_000)
    expect(ends).toEqual(['first 0', 'second 3'])
  })
})

describe('a relay that comes back', () => {
  it('from its own store shows the same incarnation, and hands out what is left', async () => {
    const { world, bob, alice } = await prepared()
    const auth = world.capability(bob, 'alice')
    await world.settle(alice.deposit(depositTo(bob, auth, '1')))
    await world.settle(alice.deposit(depositTo(bob, auth, '2')))
    await world.settle(bob.connection.ack(bob.mailboxId, [envelope('1').envId]))
    await world.kill()
    await world.start()
    const again = await world.owner('bob')
    expect(again.incarnation).toEqual(bob.incarnation)
    expect((await items(world, again)).map(({ envId }) => envId)).toEqual([envelope('2').envId])
    const courier = await world.connect()
    const next = await world.settle(courier.deposit(depositTo(again, auth, '3')))
    // Never a sequence number twice, though the last ones were in memory only.
    expect(next).toMatchObject({ kind: 'stored', evidence: { seq: 1_002 } })
  })

  it('with a new epoch after a restore shows another incarnation', async () => {
    const { world, bob } = await prepared()
    await world.kill()
    world.map.apply([
      { key: Uint8Array.of(0), value: encodeCbor([1, bytesOf('epoch', 8), 1_767_225_600_000]) },
    ])
    await world.start()
    const again = await world.owner('bob')
    expect(again.mailboxId).toEqual(bob.mailboxId)
    expect(again.incarnation).not.toEqual(bob.incarnation)
    const stale = { incarnation: bob.incarnation, seq: 0, chain: undefined }
    const request = { mailboxId: bob.mailboxId, limit: 1, maxBytes: 1, idsOnly: true, envIds: [] }
    expect(await world.settle(again.connection.fetch({ ...request, after: stale }))).toMatchObject({
      status: 'incarnation',
      detail: again.incarnation,
    })
  })

  it('with a clock ten years ahead expires nothing', async () => {
    const { world, bob, alice } = await prepared()
    await world.settle(alice.deposit(depositTo(bob, world.capability(bob, 'alice'), '1')))
    await world.kill()
    world.skewMs = 10 * 365 * 86_400_000
    const warnings: string[] = []
    const service = await world.start({ onWarning: (code) => warnings.push(code) })
    expect(warnings).toEqual(['CLOCK_DISTRUSTED'])
    await world.settle(service.sweep())
    const again = await world.owner('bob')
    expect(await items(world, again)).toHaveLength(1)
  })
})

describe('time', () => {
  it('takes rows and marks at their end, not before', async () => {
    const { world, bob, alice } = await prepared()
    const auth = world.capability(bob, 'alice')
    const short = depositTo(bob, auth, 'short', { ttlS: 7_200 })
    await world.settle(alice.deposit(short))
    await world.settle(alice.deposit(depositTo(bob, auth, 'long')))
    world.time.skipTo(world.time.elapsedMs + 7_100_000)
    await world.settle(world.service!.sweep())
    expect(
      world.map.range({ from: Uint8Array.of(3), to: Uint8Array.of(4), limit: 9 }),
    ).toHaveLength(2)
    world.time.skipTo(world.time.elapsedMs + 2 * 3_600_000)
    await world.settle(world.service!.sweep())
    expect(
      world.map.range({ from: Uint8Array.of(3), to: Uint8Array.of(4), limit: 9 }),
    ).toHaveLength(1)
    expect(
      world.map.range({ from: Uint8Array.of(2), to: Uint8Array.of(3), limit: 9 }),
    ).toHaveLength(1)
  })

  it('takes a mailbox whose owner stayed away beyond the lease', async () => {
    const { world, bob } = await prepared()
    world.time.skipTo(world.time.elapsedMs + 92 * 86_400_000)
    await world.settle(world.service!.sweep())
    const again = await world.owner('bob')
    expect(again.incarnation).not.toEqual(bob.incarnation)
  })
})

describe('who the relay is', () => {
  it('must match what is expected of it', async () => {
    const world = new RelayWorld()
    const { serviceKey } = await world.start()
    const hash = serviceKeyHash(noble, serviceKey)
    expect((await world.connect({ serviceKey })).serviceKey).toEqual(serviceKey)
    expect((await world.connect({ serviceKeyHash: hash })).serviceKey).toEqual(serviceKey)
    for (const expected of [
      { serviceKey: bytesOf('other') },
      { serviceKeyHash: bytesOf('other', 16) },
    ]) {
      await expect(world.connect(expected)).rejects.toMatchObject({ code: 'RELAY_UNREACHABLE' })
    }
  })

  it('is still certified months later, without a restart', async () => {
    const world = new RelayWorld()
    await world.start()
    world.time.skipTo(200 * 86_400_000)
    await expect(world.connect()).resolves.toBeDefined()
  })
})

describe('the stream', () => {
  async function raw(world: RelayWorld): Promise<{
    send: (frame: Uint8Array) => void
    frames: Uint8Array[]
    isClosed: () => boolean
  }> {
    const host = await world.network.createHost({
      seed: bytesOf('raw'),
      listen: [],
      role: 'courier',
    })
    const stream = await world.settle(host.dial('/ip4/10.0.0.1/tcp/4001', RELAY_PROTOCOL))
    const frames: Uint8Array[] = []
    let closed = false
    stream.onFrame((frame) => frames.push(frame))
    stream.onClose(() => {
      closed = true
    })
    return { send: (frame) => stream.send(frame), frames, isClosed: () => closed }
  }

  it('ends with one `malformed` at a frame that cannot be decoded', async () => {
    const world = new RelayWorld()
    await world.start()
    const { send, frames, isClosed } = await raw(world)
    send(encodeCbor([0, 9, [[1, 0]]]))
    await world.advance(1_000)
    expect(frames.map((frame) => decodeRelayFrame(frame))).toEqual([
      { kind: 'reply', requestId: 9, custody: [], replies: [[23, 0, 4]] },
    ])
    expect(isClosed()).toBe(true)
  })

  it('wants HELLO first, and soon', async () => {
    const world = new RelayWorld()
    await world.start()
    const { send, frames, isClosed } = await raw(world)
    send(encodeRequest(1, [{ kind: 'ping', request: { pad: bytesOf('pad', 9) } }]))
    await world.quiet()
    expect(frames.map((frame) => decodeRelayFrame(frame))).toMatchObject([
      { replies: [[32, 0, 4]] },
    ])
    await world.advance(11_000)
    expect(isClosed()).toBe(true)
  })

  it('says that an unknown operation is unsupported and goes on', async () => {
    const world = new RelayWorld()
    await world.start()
    const { send, frames } = await raw(world)
    send(
      encodeCbor([
        0,
        1,
        [
          [1, 0, 0],
          [99, 5],
          [26, bytesOf('pad', 3), 7],
        ],
      ]),
    )
    await world.quiet()
    expect(frames.map((frame) => decodeRelayFrame(frame))).toMatchObject([
      { replies: [expect.anything(), [24, 0, 0], [0, bytesOf('pad', 3)]] },
    ])
  })

  it('is told at the end: goaway, answers to what is flushed, closed', async () => {
    const { world, bob, alice } = await prepared()
    const events: string[] = []
    alice.setEvents({ onGoAway: (graceMs) => events.push(`goaway ${graceMs}`) })
    alice.onClose(() => events.push('closed'))
    const deposit = alice.deposit(depositTo(bob, world.capability(bob, 'alice'), '1'))
    const result = deposit.then((answer) => events.push(answer.kind))
    await new Promise(setImmediate)
    world.time.step()
    await world.settle(world.service!.drain())
    await world.settle(result)
    await world.advance(1_000)
    expect(events).toContain('goaway 5000')
    expect(events).toContain('stored')
    expect(events.at(-1)).toBe('closed')
    expect(world.service!.ready).toBe(false)
  })

  it('ends for as many as there are without a warning of listeners that leak', async () => {
    const { world } = await prepared()
    for (let at = 0; at < 12; at++) {
      await world.connect()
      await world.advance(10_000) // One address may open so many in a while.
    }
    const warnings = await warningsOf(() => world.settle(world.service!.drain()))
    expect(warnings).toEqual([])
  })
})

describe('the owner', () => {
  it('ends every capability with a higher generation, and cannot go back', async () => {
    const { world, bob, alice } = await prepared()
    const old = world.capability(bob, 'alice')
    const next = await world.owner('bob', 1)
    expect(next.incarnation).toEqual(bob.incarnation)
    expect(await world.settle(alice.deposit(depositTo(bob, old, '1')))).toMatchObject({
      status: 'auth',
    })
    const fresh = world.capability(next, 'alice')
    expect(await world.settle(alice.deposit(depositTo(next, fresh, '2')))).toMatchObject({
      kind: 'stored',
    })
    await expect(world.owner('bob', 0)).rejects.toThrow('OPEN: conflict')
  })

  it('closes a mailbox with all that is in it; a new one is another incarnation', async () => {
    const { world, bob, alice } = await prepared()
    const auth = world.capability(bob, 'alice')
    await world.settle(alice.deposit(depositTo(bob, auth, '1')))
    await world.settle(bob.connection.closeMailbox(bob.mailboxId))
    expect(await world.settle(alice.deposit(depositTo(bob, auth, '2')))).toMatchObject({
      status: 'auth',
    })
    await expect(world.owner('bob')).rejects.toThrow('OPEN: busy')
    await world.settle(world.service!.sweep())
    const again = await world.owner('bob')
    expect(again.incarnation).not.toEqual(bob.incarnation)
    expect(await items(world, again)).toEqual([])
    expect(await world.settle(alice.deposit(depositTo(bob, auth, '1')))).toMatchObject({
      kind: 'stored',
    })
  })

  it('publishes many prekeys in several operations, all or nothing of each', async () => {
    const { world, bob } = await prepared()
    const some = (count: number): { class: 1; item: Uint8Array }[] =>
      Array.from({ length: count }, (_, i) => ({ class: 1, item: bytesOf(`opk ${i}`, 2_048) }))
    const put = (count: number, replace: boolean): Promise<unknown> =>
      world.settle(bob.connection.putPrekeys(bob.mailboxId, replace, some(count)))
    expect(await put(200, true)).toEqual({ opk: 200, okem: 0 })
    expect(await put(300, false)).toEqual({ opk: 500, okem: 0 })
    await expect(put(13, false)).rejects.toMatchObject({ code: 'RELAY_QUOTA' })
    expect(await world.settle(bob.connection.prekeyCount(bob.mailboxId))).toEqual({
      opk: 500,
      okem: 0,
    })
    expect(await put(3, true)).toEqual({ opk: 3, okem: 0 })
  })

  it('cannot touch a mailbox it did not prove on this stream', async () => {
    const { world, bob, alice } = await prepared()
    const calls = [
      () => alice.ack(bob.mailboxId, [bytesOf('x')]),
      () => alice.revoke(bob.mailboxId, [bytesOf('x', 8)]),
      () => alice.putCard(bob.mailboxId, 1, bytesOf('x')),
      () => alice.closeMailbox(bob.mailboxId),
      () => alice.prekeyCount(bob.mailboxId),
      () => alice.deleteInvite(bob.mailboxId, bytesOf('x', 8)),
    ]
    for (const call of calls) {
      await expect(world.settle(call() as Promise<unknown>)).rejects.toMatchObject({
        cause: { status: 'unauthenticated' },
      })
    }
  })
})
