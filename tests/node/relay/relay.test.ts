import { describe, expect, it } from 'vitest'
import { encodeCbor, noble, toHex } from '../../../crypto/index.ts'
import { RELAY_PROTOCOL } from '../../../node/relay/limits.ts'
import type { RelayConnection } from '../../../node/relay-client/relay-connection.ts'
import type { Deposit, DepositResult } from '../../../node/relay-client/relay-types.ts'
import {
  type RelayItem,
  decodeRelayFrame,
  encodeRequest,
  serviceKeyHash,
} from '../../../protocol/index.ts'
import {
  FaultyStore,
  type Owner,
  RelayWorld,
  bytesOf,
  envelope,
} from '../../support/relay-world.ts'

const TTL_S = 30 * 86_400

function depositTo(
  owner: Owner,
  auth: Deposit['auth'],
  name: string,
  more: Partial<Deposit> = {},
): Deposit {
  return {
    mailboxId: owner.mailboxId,
    lane: auth.kind === 'work' ? 1 : 0,
    ttlS: TTL_S,
    auth,
    ...envelope(name),
    ...more,
  }
}

async function items(world: RelayWorld, owner: Owner): Promise<readonly RelayItem[]> {
  const reply = await world.settle(
    owner.connection.fetch({
      mailboxId: owner.mailboxId,
      after: undefined,
      limit: 256,
      maxBytes: 200_000,
      idsOnly: false,
      envIds: [],
    }),
  )
  if ('kind' in reply) throw new Error(reply.status)
  return reply.items
}

async function prepared(): Promise<{
  world: RelayWorld
  bob: Owner
  alice: RelayConnection
}> {
  const world = new RelayWorld()
  await world.start()
  const bob = await world.owner('bob')
  const alice = await world.connect()
  return { world, bob, alice }
}

describe('depositing', () => {
  it('ends in evidence under the service key, and the owner reads the same bytes', async () => {
    const { world, bob, alice } = await prepared()
    const auth = world.capability(bob, 'alice')
    const deposit = depositTo(bob, auth, 'one')
    const result = await world.settle(alice.deposit(deposit))
    expect(result).toMatchObject({ kind: 'stored', incarnation: bob.incarnation })
    if (result.kind !== 'stored') return
    expect(result.evidence).toMatchObject({ result: 0, seq: 1, mailboxId: bob.mailboxId })
    const [item] = await items(world, bob)
    expect(item).toMatchObject({ seq: 1, envId: deposit.envId, capId: auth.capId, lane: 0 })
    expect(item?.env).toEqual(deposit.env)
  })

  it('answers a repeated deposit with a fresh receipt and the original end', async () => {
    const { world, bob, alice } = await prepared()
    const deposit = depositTo(bob, world.capability(bob, 'alice'), 'one')
    const first = await world.settle(alice.deposit(deposit))
    await world.advance(5_000)
    const again = await world.settle(alice.deposit({ ...deposit, ttlS: 77 }))
    expect(again.kind).toBe('dup')
    if (first.kind !== 'stored' || again.kind !== 'dup') return
    expect(again.holdUntilS).toBe(first.holdUntilS)
    expect(again.evidence.flushedAtMs).toBeGreaterThan(first.evidence.flushedAtMs)
    expect(again.evidence.result).toBe(1)
    await world.settle(bob.connection.ack(bob.mailboxId, [deposit.envId]))
    const acked = await world.settle(alice.deposit(deposit))
    expect(acked).toMatchObject({ kind: 'dup', evidence: { result: 2 } })
    expect(await items(world, bob)).toEqual([])
  })

  it('gives a receipt on retry when the relay died between commit and reply', async () => {
    const { world, bob, alice } = await prepared()
    const deposit = depositTo(bob, world.capability(bob, 'alice'), 'one')
    // The power goes right after the batch is on the disk.
    world.store.onWritten = () => void world.host?.stop()
    await expect(world.settle(alice.deposit(deposit))).rejects.toMatchObject({
      code: 'RELAY_UNREACHABLE',
    })
    await world.quiet()
    await world.start()
    const again = await world.connect()
    expect(await world.settle(again.deposit(deposit))).toMatchObject({ kind: 'dup' })
  })

  it('never answers from a batch that failed, and finds out after reopening', async () => {
    const world = new RelayWorld()
    await world.start({ reopen: () => Promise.resolve(new FaultyStore(world.map)) })
    const bob = await world.owner('bob')
    const alice = await world.connect()
    const deposit = depositTo(bob, world.capability(bob, 'alice'), 'one')
    world.store.fault = 'after'
    expect(await world.settle(alice.deposit(deposit))).toMatchObject({ status: 'busy' })
    expect(world.service?.ready).toBe(false)
    await world.advance(2_000)
    expect(world.service?.ready).toBe(true)
    expect(await world.settle(alice.deposit(deposit))).toMatchObject({ kind: 'dup' })
    const next = depositTo(bob, deposit.auth, 'two')
    expect(await world.settle(alice.deposit(next))).toMatchObject({ kind: 'stored' })
  })

  it('shares one flush and one signature among what queued together', async () => {
    const { world, bob, alice } = await prepared()
    const auth = world.capability(bob, 'alice')
    const before = world.store.writes
    const many = Array.from({ length: 150 }, (_, i) => alice.deposit(depositTo(bob, auth, `${i}`)))
    const results = await world.settle(Promise.all(many))
    expect(results.every(({ kind }) => kind === 'stored')).toBe(true)
    expect(world.store.writes - before).toBeLessThanOrEqual(4)
    const seqs = results.map((r) => (r.kind === 'stored' ? r.evidence.seq : 0))
    expect(seqs).toEqual(Array.from({ length: 150 }, (_, i) => i + 1))
  })

  it('gives one answer for an unknown mailbox, a bad MAC, an expired and a revoked right', async () => {
    const { world, bob, alice } = await prepared()
    const good = world.capability(bob, 'alice')
    const revoked = world.capability(bob, 'mallory')
    await world.settle(bob.connection.revoke(bob.mailboxId, [revoked.capId]))
    const rights: readonly Deposit[] = [
      depositTo(bob, good, '1', { mailboxId: bytesOf('nobody', 16) }),
      depositTo(bob, { ...good, capKey: bytesOf('wrong') }, '2'),
      depositTo(bob, { ...good, expiresS: 5 }, '3'),
      depositTo(bob, revoked, '4'),
      depositTo(bob, good, '5', { lane: 2 }),
    ]
    for (const deposit of rights) {
      expect(await world.settle(alice.deposit(deposit))).toEqual({
        kind: 'failed',
        status: 'auth',
        retryAfterMs: 0,
        scope: 'capability',
      })
    }
    expect(await items(world, bob)).toEqual([])
  })

  it('writes and signs for a refused deposit as for a stored one', async () => {
    const { world, bob, alice } = await prepared()
    const before = world.store.writes
    const wrong = { ...world.capability(bob, 'alice'), capKey: bytesOf('wrong') }
    await world.settle(alice.deposit(depositTo(bob, wrong, '1')))
    expect(world.store.writes).toBe(before + 1)
  })

  it('takes strangers for their work, in a lane of their own', async () => {
    const { world, bob, alice } = await prepared()
    const results: DepositResult[] = []
    for (let i = 0; i < 51; i++) {
      results.push(await world.settle(alice.deposit(depositTo(bob, { kind: 'work' }, `${i}`))))
    }
    expect(results.slice(0, 50).every(({ kind }) => kind === 'stored')).toBe(true)
    expect(results[50]).toMatchObject({ status: 'quota', scope: 'lane' })
    const contact = depositTo(bob, world.capability(bob, 'alice'), 'contact')
    expect(await world.settle(alice.deposit(contact))).toMatchObject({ kind: 'stored' })
  })
})

describe('fair shares', () => {
  const lanes = [
    { rows: 100, bytes: 1 << 20 },
    { rows: 5, bytes: 1 << 20 },
    { rows: 5, bytes: 1 << 20 },
  ] as const

  async function filled(): Promise<{ world: RelayWorld; bob: Owner; alice: RelayConnection }> {
    const world = new RelayWorld()
    await world.start({
      limits: { lanes, reservedRows: 4, overflow: { rows: 16, bytes: 1 << 20 } },
    })
    const bob = await world.owner('bob')
    const alice = await world.connect()
    const hog = world.capability(bob, 'hog')
    const all = Array.from({ length: 110 }, (_, i) => alice.deposit(depositTo(bob, hog, `h${i}`)))
    const results = await world.settle(Promise.all(all))
    // Alone in the lane one capability may fill it, and no more.
    expect(results.filter(({ kind }) => kind === 'stored')).toHaveLength(100)
    expect(results[109]).toMatchObject({ status: 'quota', retryAfterMs: 60_000 })
    return { world, bob, alice }
  }

  it('keep rows for everybody, however full one contact made the lane', async () => {
    const { world, bob, alice } = await filled()
    const quiet = world.capability(bob, 'quiet')
    for (let i = 0; i < 5; i++) {
      const result = await world.settle(alice.deposit(depositTo(bob, quiet, `q${i}`)))
      expect(result).toMatchObject(i < 4 ? { kind: 'stored' } : { status: 'quota' })
    }
  })

  it('are told with ROOM when the owner made some', async () => {
    const { world, bob, alice } = await filled()
    const rooms: string[] = []
    alice.setEvents({ onRoom: (mailboxId) => rooms.push(toHex(mailboxId)) })
    const ids = (await items(world, bob)).map(({ envId }) => envId)
    await world.settle(bob.connection.ack(bob.mailboxId, ids.slice(0, 5)))
    await world.quiet()
    expect(rooms).toEqual([])
    await world.settle(bob.connection.ack(bob.mailboxId, ids.slice(5, 20)))
    await world.quiet()
    expect(rooms).toEqual([toHex(bob.mailboxId)])
  })
})

describe('invites', () => {
  it('burn a use with the first stored deposit; that claim goes on, another is told so', async () => {
    const { world, bob, alice } = await prepared()
    const invite = { capId: bytesOf('invite', 8), capKey: bytesOf('invite key') }
    const expiresS = Math.floor(world.clock.nowMs() / 1000) + 3_600
    const put = { ...invite, expiresS, uses: 1 }
    expect(await world.settle(bob.connection.putInvite(bob.mailboxId, put))).toBe(1)
    const first = { kind: 'invite', ...invite, claim: bytesOf('first', 16) } as const
    const second = { kind: 'invite', ...invite, claim: bytesOf('second', 16) } as const
    const take = { mailboxId: bob.mailboxId, lane: 0, classes: 7 }
    // A TAKE takes no use.
    expect(await world.settle(alice.take({ ...take, auth: second }))).toMatchObject({
      card: undefined,
    })
    const deposit = (auth: Deposit['auth'], name: string): Promise<DepositResult> =>
      world.settle(alice.deposit(depositTo(bob, auth, name)))
    expect(await deposit(first, '1')).toMatchObject({ kind: 'stored' })
    expect(await deposit(first, '2')).toMatchObject({ kind: 'stored' })
    expect(await deposit(second, '3')).toMatchObject({ status: 'used' })
    expect(await world.settle(alice.take({ ...take, auth: second }))).toMatchObject({
      status: 'used',
    })
    expect(await world.settle(bob.connection.putInvite(bob.mailboxId, { ...put, uses: 3 }))).toBe(2)
    expect(await deposit(second, '3')).toMatchObject({ kind: 'stored' })
    await world.settle(bob.connection.deleteInvite(bob.mailboxId, invite.capId))
    expect(await deposit(first, '4')).toMatchObject({ status: 'auth' })
  })
})

describe('cards and prekeys', () => {
  it('are published, popped oldest first, and the last kept from strangers', async () => {
    const { world, bob, alice } = await prepared()
    const { connection, mailboxId } = bob
    const card = bytesOf('card', 2_048)
    expect(await world.settle(connection.putCard(mailboxId, 5, card))).toBe(5)
    expect(await world.settle(connection.putCard(mailboxId, 5, card))).toBe(5)
    expect(await world.settle(connection.putCard(mailboxId, 4, card))).toBeUndefined()
    const opk = (i: number): { class: 1; item: Uint8Array } => ({
      class: 1,
      item: bytesOf(`opk ${i}`),
    })
    const all = Array.from({ length: 21 }, (_, i) => opk(i))
    expect(await world.settle(connection.putPrekeys(mailboxId, true, all))).toEqual({
      opk: 21,
      okem: 0,
    })
    const take = { mailboxId, classes: 3 }
    const stranger = await world.settle(alice.take({ ...take, lane: 1, auth: { kind: 'work' } }))
    expect(stranger).toMatchObject({ card, opk: opk(0).item })
    const another = await world.settle(alice.take({ ...take, lane: 1, auth: { kind: 'work' } }))
    expect(another).toMatchObject({ card, opk: undefined })
    const auth = world.capability(bob, 'alice')
    for (let i = 1; i <= 8; i++) {
      const taken = await world.settle(alice.take({ ...take, lane: 0, auth }))
      // Six in ten minutes, then the card only.
      expect(taken).toMatchObject({ card, opk: i <= 6 ? opk(i).item : undefined })
    }
    expect(await world.settle(connection.prekeyCount(mailboxId))).toEqual({ opk: 14, okem: 0 })
    expect(await world.settle(alice.cardGet(mailboxId))).toEqual({ version: 5, item: card })
    expect(await world.settle(alice.cardGet(bytesOf('nobody', 16)))).toMatchObject({
      status: 'auth',
    })
  })
})

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
})
